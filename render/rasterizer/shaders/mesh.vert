#include "frame.glsl"
uniform mat4 model;
layout(location = 0) in vec3 in_place;
layout(location = 1) in vec3 in_normal;
layout(location = 2) in vec3 in_anchor;
layout(location = 3) in ivec2 in_label;

out vec3 normal;
out vec3 anchor;
out float depth;
flat out ivec2 label;

void main() {
    vec4 world = model * vec4(in_place, 1.0);
    depth = dot(world.xyz - eye.xyz, forward.xyz);
    normal = mat3(model) * in_normal;
    anchor = in_anchor;
    label = in_label;
    gl_Position = world_clip * world;
}
