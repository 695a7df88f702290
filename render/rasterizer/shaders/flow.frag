#include "frame.glsl"
#include "flow.glsl"
uniform int instance;
in vec3 place;
in vec3 place_k;
void main() { put_flow(vec4(place, 1.0), vec4(place_k, 1.0), ivec2(instance, 0)); }
