#include "frame.glsl"
#include "light.glsl"
#include "outputs.glsl"
layout(std140) uniform PaletteBlock { vec4 palette[3 * 256]; };
#include "pattern.glsl"
// Everything about the surface that each pixel shows, from what mesh.frag left there.
uniform sampler2D seen_normal;
uniform isampler2D seen_ids;
uniform sampler2D seen_anchor;

#ifdef LIT
// Spheres along performers' bones, for the shade between limbs. range[i]: first and number of instance i's; a prop's
// are everybody's.
layout(std140) uniform BlobBlock { vec4 range[64]; vec4 blob[512]; };

float visibility(vec3 p, vec3 n, int instance) {
    float sum = 0.0;
    vec4 mine = range[min(instance, 63)];
    int first = int(mine.x), last = first + int(mine.y);
    for (int i = first; i < last; ++i) {
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
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 shape = texelFetch(seen_normal, at, 0);
    ivec2 ids = texelFetch(seen_ids, at, 0).xy;
    vec4 anchor = texelFetch(seen_anchor, at, 0);
    vec3 along = ray.xyz + gl_FragCoord.x * ray_dx.xyz + gl_FragCoord.y * ray_dy.xyz;
    vec3 place = eye.xyz + along * shape.w;
    float length_of = length(along);
    vec3 view = -along / length_of, n = normalize(shape.xyz);
    // A shell seen from inside, or a file with turned faces, shows its other side.
    if (anchor.w < 0.0 && dot(n, view) < 0.0) n = -n;
    // Metres that the pixel covers on the surface; seen along, more, but silhouettes are better sharp than blurred.
    float footprint = shape.w * length(ray_dx.xyz) / max(dot(n, view), 0.35);
    Look look = look_up(ids.y >> 16, anchor.xyz, footprint);
    Light light = Light(vec3(0.0), vec3(0.0));
#ifdef LIT
    vec3 bent = normalize(n + look.bend);
    float seen = sun_visibility(place, n, dot(n, sun.xyz) + 0.05 * look.soft);
    float open = visibility(place, n, ids.x);
    light = shade(
        Surface(place, bent, view, look.albedo, look.roughness, look.metallic, open, look.soft, look.sheen), seen,
        sky_radiance(reflect(-view, bent), look.roughness));
    add_haze(light, shape.w * length_of);
#endif
    put(look.albedo, look.roughness, look.metallic, n, shape.w, ivec2(ids.x, ids.y & 0xFFFF), light, 1.0);
}
