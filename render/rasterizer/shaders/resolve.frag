// Samples of a frame, weighed and added up. Each was drawn at a place drawn from the pixel filter, so all weigh the same.
// Where a sample drew nothing, it sees what the first one sees, or what lies behind everything that moves.
uniform sampler2D samples[4];   // the first, and up to three others
uniform sampler2D backdrop;
uniform vec4 inside;            // rectangle that the backdrop was drawn in, px
uniform int others;
uniform float first_weight, weight;
layout(location = 0) out vec4 sum;
vec4 over(vec4 one, vec4 behind) { return one.w < 0.0 ? behind : one; }
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 first = texelFetch(samples[0], at, 0);
    bool moving = all(greaterThanEqual(gl_FragCoord.xy, inside.xy)) && all(lessThan(gl_FragCoord.xy, inside.zw));
    vec4 behind = moving ? texelFetch(backdrop, at, 0) : first;
    vec4 all = first * first_weight;
    if (others > 0) all += over(texelFetch(samples[1], at, 0), behind);
    if (others > 1) all += over(texelFetch(samples[2], at, 0), behind);
    if (others > 2) all += over(texelFetch(samples[3], at, 0), behind);
    sum = all * weight;
}
