#include "frame.glsl"
// What a surface is, not how it looks: a body's triangles are a few pixels each, and drivers shade whole blocks of pixels
// for every one, so the costly part waits until each pixel has its one surface (surface.frag).
uniform int instance;

in vec3 place;
in vec3 normal;
in vec3 anchor;
flat in ivec2 label;

layout(location = 0) out vec4 out_normal;   // w: depth
layout(location = 1) out ivec2 out_ids;     // instance and part; the material in the part's upper half
#ifndef PASS_SHAPE
layout(location = 2) out vec4 out_anchor;
#endif

void main() {
    vec3 n = normalize(normal);
    // A shell seen from inside, or a file with turned faces, shows its other side.
    if (!gl_FrontFacing && dot(n, eye.xyz - place) < 0.0) n = -n;
    out_normal = vec4(n, dot(place - eye.xyz, forward.xyz));
#ifdef PASS_SHAPE
    out_ids = ivec2(instance, label.y);
#else
    out_ids = ivec2(instance, label.y | (label.x << 16));
    out_anchor = vec4(anchor, 1.0);
#endif
}
