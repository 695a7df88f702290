// Samples of a frame, weighed and added up. Each was drawn at a place drawn from the pixel filter, so all weigh the same.
// Where a sample drew nothing, the backdrop that all share shows.
uniform sampler2D samples[4];
uniform sampler2D backdrop;
uniform int held;
uniform bool backed;
uniform float weight;
layout(location = 0) out vec4 sum;
vec4 over(vec4 one, vec4 behind) { return one.w < 0.0 ? behind : one; }
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 behind = vec4(0.0);
    if (backed) behind = texelFetch(backdrop, at, 0);
    vec4 all = over(texelFetch(samples[0], at, 0), behind);
    if (held > 1) all += over(texelFetch(samples[1], at, 0), behind);
    if (held > 2) all += over(texelFetch(samples[2], at, 0), behind);
    if (held > 3) all += over(texelFetch(samples[3], at, 0), behind);
    sum = all * weight;
}
