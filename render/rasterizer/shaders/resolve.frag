// One sample of a frame, weighed and added to the others. Each was drawn at a place drawn from the pixel filter, so all
// weigh the same.
uniform sampler2D one;
uniform float weight;
layout(location = 0) out vec4 sum;
void main() { sum = texelFetch(one, ivec2(gl_FragCoord.xy), 0) * weight; }
