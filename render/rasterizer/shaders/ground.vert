#include "frame.glsl"
// The ring of ground round the patch, far larger than the set; it shares the patch's corners so that no pixel falls
// between. The fragment shader finds exact positions from rays.
void main() {
    int corner = (gl_VertexID >> 1) & 3;
    vec4 pair = ground_patch[corner >> 1];
    vec2 at = (corner & 1) == 0 ? pair.xy : pair.zw;
    if ((gl_VertexID & 1) == 1) {
        vec2 s = vec2(corner == 1 || corner == 2 ? 1.0 : -1.0, corner >= 2 ? 1.0 : -1.0);
        at = eye.xz + (s.x * patch_axis.xy + s.y * patch_axis.zw) * 9000.0;
    }
    gl_Position = world_clip * vec4(at.x, 0.0, at.y, 1.0);
}
