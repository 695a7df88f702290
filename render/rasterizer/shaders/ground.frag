#include "frame.glsl"
// Rim lights are there for performers; a floor would mirror them as a white patch.
#define KICKER_GLARE 0.15
#include "light.glsl"
#include "outputs.glsl"
uniform sampler2D ground_map;
uniform sampler2D contact_map;
uniform sampler2D plate_map;

// Joints between slabs, as wide as the pixel when that is wider (box-filtered lines).
float joint(vec2 at, vec2 width, float line) {
    vec2 w = max(width, vec2(line));
    vec2 far = abs(fract(at - 0.5) - 0.5);
    vec2 cover = clamp((0.5 * (w + line) - far) / w, 0.0, 1.0) * min(line / w * 1.5, 1.0);
    return max(cover.x, cover.y);
}

void main() {
    vec3 along = ray.xyz + gl_FragCoord.x * ray_dx.xyz + gl_FragCoord.y * ray_dy.xyz;
    float depth = -eye.y / along.y;
    vec3 place = vec3(eye.x + depth * along.x, 0.0, eye.z + depth * along.z);
    float length_of = length(along);
    float distance = depth * length_of;
    vec3 view = -along / length_of;
    view.y = abs(view.y);
    const vec3 n = vec3(0.0, 1.0, 0.0);
    vec3 albedo = vec3(0.0);
    float roughness = ground_b.w;
    Light light = Light(vec3(0.0), vec3(0.0));
    float alpha = 1.0, open = 1.0, seen = 1.0;

#if defined(LIT) && defined(SHADED)
    vec2 c = (place.xz - contact.xy) * contact.z;
    open = all(lessThan(abs(c - 0.5), vec2(0.5))) && contact.w > 0.0 ? textureLod(contact_map, c, 0.0).r : 1.0;
    seen = sun_visibility(place, n, sun.y);
#endif
#if defined(LIT) && CATCHER
    // A catcher is black glass over the plate: as opaque as the part of the light that is missing.
    float full = dot(sun_colour.rgb, vec3(0.3333)) * sun.y, sky = dot(sky_irradiance(n), vec3(0.3333));
    alpha = 1.0 - (full * seen + sky * open) / (full + sky);
    light.specular = PLATE != 0 ? textureLod(plate_map, gl_FragCoord.xy * image.zw, 0.0).rgb * (1.0 - alpha) : vec3(0.0);
    // To every data pass the catcher is not there.
    put(vec3(0.0), 0.0, 0.0, vec3(0.0), 0.0, ivec2(0), light, alpha);
#else
#ifndef PASS_SHAPE
    vec2 at = place.xz * ground_tile.x;
    // Exact footprint of a pixel on the plane: derivatives of the ray's hit, no differences between neighbours.
    vec2 dx = (ground_tile.x * depth) * (ray_dx.xz - along.xz * (ray_dx.y / along.y));
    vec2 dy = (ground_tile.x * depth) * (ray_dy.xz - along.xz * (ray_dy.y / along.y));
    float longer = max(dot(dx, dx), dot(dy, dy));
    float area = abs(dx.x * dy.y - dx.y * dy.x);    // the shorter side is area / longer
    float blur = max(area * area / longer, longer * ground_tile.w);
    // Mipmaps are not mixed but chosen by chance between the two nearest, another for every sample: half the cost.
    float lod = 0.5 * log2(blur) + ground_tile.z + pixel_turn() - 0.5;
    vec4 tile = textureLod(ground_map, at, lod);
    // The same tile, larger and turned, hides its own repetition.
    const mat2 turned = mat2(0.1337, 0.0621, -0.0621, 0.1337);
    vec4 wide = textureLod(ground_map, turned * at + 0.37, lod - 2.76);
    const float VARIETY = GROUND_KIND == 1 ? 0.45 : GROUND_KIND == 0 ? 0.05 : 0.22;
    float blend = clamp(tile.r + 1.8 * VARIETY * (wide.a - 0.5), 0.0, 1.0);
    albedo = mix(ground_a.rgb, ground_b.rgb, blend) * ((0.30 + 1.40 * tile.g) * (1.0 + VARIETY * (wide.b - 0.5)));
    roughness = clamp(roughness + 0.3 * (tile.b - 0.5), 0.05, 1.0);
#if GROUND_KIND == 2
    albedo *= 1.0 - 0.55 * joint(at, abs(dx) + abs(dy), 0.004);
#elif GROUND_KIND == 6
    vec2 foot = abs(dx) + abs(dy);
    albedo = ground_a.rgb * mix(1.0, 0.72, joint(at * 4.0, 4.0 * foot, 0.018)) * mix(1.0, 0.5, joint(at, foot, 0.008));
#endif
#endif
#ifdef LIT
#if GROUND_KIND == 1 || GROUND_KIND == 4
    // Grass and sand shine too little to pay for reflections: matte, and brighter where seen along.
    float graze = 1.0 - view.y;
    graze *= graze * graze;
    light.diffuse = sun_colour.rgb * (max(sun.y, 0.0) * seen) + sky_irradiance(n) * (open * (1.0 + 0.35 * graze));
#if LAMPS > 0
    Light lamps = lamplight(Surface(place, n, view, albedo, 1.0, 0.0, open, 0.0, 0.0));
    light.diffuse += lamps.diffuse;
#endif
#else
    // A rough floor mirrors the sky from a little above where a mirror would.
    light = shade(
        Surface(place, n, view, albedo, roughness, 0.0, open, 0.0, 0.0), seen, sky_above(view.y + 0.3 * roughness));
#endif
    add_haze(light, distance);
#if BACKDROP
    float away = smoothstep(reach.y, reach.z, length(place.xz - middle.xy));
#else
    // The last two pixels below the horizon melt into it.
    float away = 1.0 - smoothstep(0.0, 2.5, -along.y / length(ray_dx.xyz));
#endif
    light.diffuse *= 1.0 - away;
    light.specular = mix(light.specular, haze.rgb, away);
#endif
    put(albedo, roughness, 0.0, n, depth, ivec2(int(ground_tile.y), 1), light, alpha);
#endif
}
