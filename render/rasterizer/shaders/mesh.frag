// What a surface is, not how it looks: a body's triangles are a few pixels each, and drivers shade whole blocks of pixels
// for every one, so the costly part waits until each pixel has its one surface (surface.frag).
uniform int instance;

in vec3 normal;
in vec3 anchor;
in float depth;
flat in ivec2 label;

layout(location = 0) out vec4 out_normal;   // not of unit length yet; w: depth
layout(location = 1) out ivec2 out_ids;     // instance and part; the material in the part's upper half
#ifndef PASS_SHAPE
layout(location = 2) out vec4 out_anchor;   // w: 1 if the triangle's front is seen
#endif

void main() {
    out_normal = vec4(normal, depth);
#ifdef PASS_SHAPE
    out_ids = ivec2(instance, label.y);
#else
    out_ids = ivec2(instance, label.y | (label.x << 16));
    out_anchor = vec4(anchor, gl_FrontFacing ? 1.0 : -1.0);
#endif
}
