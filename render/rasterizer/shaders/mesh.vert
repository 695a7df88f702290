#include "frame.glsl"
uniform mat4 model;
layout(location = 0) in vec3 in_place;
layout(location = 1) in vec3 in_normal;
layout(location = 2) in vec3 in_anchor;
layout(location = 3) in ivec2 in_label;

out vec3 place;
out vec3 normal;
out vec3 anchor;
out float open;
flat out ivec2 label;

#ifdef LIT
// Spheres along the performer's own bones, for the shade between limbs.
layout(std140) uniform BlobBlock { vec4 blob_count; vec4 blob[64]; };

float visibility(vec3 p, vec3 n) {
    float sum = 0.0;
    int count = int(blob_count.x);
    for (int i = 0; i < count; ++i) {
        vec3 d = blob[i].xyz - p;
        float l2 = dot(d, d), r2 = blob[i].w * blob[i].w;
        // Cosine-weighted solid angle of a sphere above the horizon; the horizon softened.
        float c = dot(n, d) * inversesqrt(max(l2, 1e-8));
        sum += max(c - 0.05, 0.0) * r2 / max(l2, r2);
    }
    // Downward surfaces close to the ground see only their own shadow.
    float low = max(-n.y, 0.0) * exp2(-max(p.y, 0.0) * 9.0);
    return (1.0 - 0.75 * low) / (1.0 + 1.1 * sum);
}
#endif

void main() {
    vec4 world = model * vec4(in_place, 1.0);
    place = world.xyz;
    normal = mat3(model) * in_normal;
    anchor = in_anchor;
    label = in_label;
#ifdef LIT
    open = visibility(place, normalize(normal));
#else
    open = 1.0;
#endif
    gl_Position = world_clip * world;
}
