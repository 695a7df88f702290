uniform mat4 model;
uniform mat4 world_map;
layout(location = 0) in vec3 in_place;
void main() { gl_Position = world_map * (model * vec4(in_place, 1.0)); }
