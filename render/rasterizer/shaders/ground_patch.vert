#include "frame.glsl"
// The patch of ground that things can shade.
void main() {
    int corner = gl_VertexID ^ (gl_VertexID >> 1);      // strip order to going round
    vec4 pair = ground_patch[corner >> 1];
    vec2 at = (corner & 1) == 0 ? pair.xy : pair.zw;
    gl_Position = world_clip * vec4(at.x, 0.0, at.y, 1.0);
}
