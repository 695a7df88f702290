#include "frame.glsl"
uniform mat4 model, model_k;
layout(location = 0) in vec3 in_place;
layout(location = 1) in vec3 in_place_k;
out vec3 place;
out vec3 place_k;
void main() {
    vec4 world = model * vec4(in_place, 1.0);
    place = world.xyz;
    place_k = (model_k * vec4(in_place_k, 1.0)).xyz;
    gl_Position = world_clip * world;
}
