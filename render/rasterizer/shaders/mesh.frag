#include "frame.glsl"
#include "light.glsl"
#include "outputs.glsl"
layout(std140) uniform PaletteBlock { vec4 palette[3 * 256]; };
#include "pattern.glsl"
uniform int instance;

in vec3 place;
in vec3 normal;
in vec3 anchor;
in float open;
flat in ivec2 label;

void main() {
    vec3 to_eye = eye.xyz - place;
    float distance = length(to_eye);
    vec3 view = to_eye / distance;
    vec3 n = normalize(normal);
    // A shell seen from inside, or a file with turned faces, is lit on the side that shows.
    n = gl_FrontFacing ? n : (dot(n, view) < 0.0 ? -n : n);
    float depth = dot(place - eye.xyz, forward.xyz);
    Light light = Light(vec3(0.0), vec3(0.0));
    Look look;
#ifndef PASS_SHAPE
    look = look_up(label.x, anchor);
#endif
#ifdef LIT
    vec3 bent = normalize(n + look.bend);
    light = shade(Surface(place, bent, view, look.albedo, look.roughness, look.metallic, open, look.soft, look.sheen));
    add_haze(light, distance);
#endif
    put(look.albedo, look.roughness, look.metallic, n, depth, ivec2(instance, label.y), light, 1.0);
}
