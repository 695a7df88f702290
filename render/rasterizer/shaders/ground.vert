#include "frame.glsl"
// The ground, far larger than the set. SHADED: the patch that things can shade; else the ring round it, which shares the
// patch's corners so that no pixel falls between. The fragment shader finds exact positions from rays.
void main() {
#ifdef SHADED
    int corner = gl_VertexID ^ (gl_VertexID >> 1);      // strip order to going round
    bool outer = false;
#else
    int corner = (gl_VertexID >> 1) & 3;
    bool outer = (gl_VertexID & 1) == 1;
#endif
    vec4 pair = ground_patch[corner >> 1];
    vec2 at = (corner & 1) == 0 ? pair.xy : pair.zw;
    if (outer) {
        vec2 s = vec2(corner == 1 || corner == 2 ? 1.0 : -1.0, corner >= 2 ? 1.0 : -1.0);
        at = eye.xz + (s.x * patch_axis.xy + s.y * patch_axis.zw) * 9000.0;
    }
    gl_Position = world_clip * vec4(at.x, 0.0, at.y, 1.0);
}
