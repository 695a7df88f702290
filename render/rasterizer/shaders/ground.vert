#include "frame.glsl"
// A quad far larger than the set, centred below the eye; the fragment shader finds exact positions from rays.
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    gl_Position = world_clip * vec4(eye.x + corner.x * 9000.0, 0.0, eye.z + corner.y * 9000.0, 1.0);
}
