#include "frame.glsl"
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
    float distance = depth * length(along);
    vec3 view = -along * (depth / distance);
    vec3 n = vec3(0.0, 1.0, 0.0);
    view.y = abs(view.y);

    float kind = ground_a.w;
    vec3 albedo = vec3(0.0);
    float roughness = ground_b.w;
#ifndef PASS_SHAPE
    vec2 at = place.xz * ground_tile.x;
    // Exact footprint of a pixel on the plane: derivatives of the ray's hit, no differences between neighbours.
    vec2 dx = ground_tile.x * depth * (ray_dx.xz - along.xz * (ray_dx.y / along.y));
    vec2 dy = ground_tile.x * depth * (ray_dy.xz - along.xz * (ray_dy.y / along.y));
    vec4 tile = textureGrad(ground_map, at, dx, dy);
    // The same tile, larger and turned, hides its own repetition.
    const mat2 turned = mat2(0.1337, 0.0621, -0.0621, 0.1337);
    vec4 wide = textureGrad(ground_map, turned * at + 0.37, turned * dx, turned * dy);
    float blend = clamp(tile.r + 0.8 * (wide.a - 0.5), 0.0, 1.0);
    albedo = mix(ground_a.rgb, ground_b.rgb, blend) * (0.30 + 1.40 * tile.g) * (0.78 + 0.44 * wide.b);
    roughness = clamp(roughness + 0.3 * (tile.b - 0.5), 0.05, 1.0);
    if (kind == 2.0) albedo *= 1.0 - 0.55 * joint(at, abs(dx) + abs(dy), 0.004);
    if (kind == 6.0) {
        float fine = joint(at * 4.0, 4.0 * (abs(dx) + abs(dy)), 0.018), coarse = joint(at, abs(dx) + abs(dy), 0.008);
        albedo = ground_a.rgb * mix(1.0, 0.72, fine) * mix(1.0, 0.5, coarse);
    }
#endif
    Light light = Light(vec3(0.0), vec3(0.0));
    float alpha = 1.0;
#ifdef LIT
    vec2 c = (place.xz - contact.xy) * contact.z;
    float open = all(lessThan(abs(c - 0.5), vec2(0.5))) && contact.w > 0.0 ? textureLod(contact_map, c, 0.0).r : 1.0;
    if (ground_tile.z > 0.5) {
        // A catcher is black glass over the plate: as opaque as the part of the light that is missing.
        float full = dot(sun_colour.rgb, vec3(0.3333)) * sun.y, sky = dot(sky_irradiance(n), vec3(0.3333));
        float seen = sun_visibility(place, n, sun.y);
        alpha = 1.0 - (full * seen + sky * open) / (full + sky);
        vec3 plate = textureLod(plate_map, gl_FragCoord.xy * image.zw, 0.0).rgb;
        light.specular = lamp_count.y > 0.5 ? plate * (1.0 - alpha) : vec3(0.0);
        // To every data pass the catcher is not there.
        put(vec3(0.0), 0.0, 0.0, vec3(0.0), 0.0, ivec2(0), light, alpha);
        return;
    }
    {
        float sheen = kind == 1.0 ? 0.5 : 0.0;
        light = shade(Surface(place, n, view, albedo, roughness, 0.0, open, 0.0, sheen));
        if (kind == 1.0 || kind == 4.0) light.specular *= 0.35;
        add_haze(light, distance);
        vec2 off = place.xz - middle.xy;
        float away = reach.z > 0.0 ? smoothstep(reach.y, reach.z, length(off)) : smoothstep(1500.0, 8000.0, distance);
        light.diffuse *= 1.0 - away;
        light.specular = mix(light.specular, sky_radiance(vec3(-view.x, 0.0, -view.z), 0.0), away);
    }
#endif
    put(albedo, roughness, 0.0, n, depth, ivec2(int(ground_tile.y), 1), light, alpha);
}
