#include "frame.glsl"
#include "flow.glsl"
void main() {
    vec4 at = vec4(ray.xyz + gl_FragCoord.x * ray_dx.xyz + gl_FragCoord.y * ray_dy.xyz, 0.0);
    put_flow(at, at, ivec2(0));
#if PLATE
    out_flow = vec4(0.0, 0.0, 0.0, 1.0);    // a plate stays with the picture
#endif
}
