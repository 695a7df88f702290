// Patterns fixed to the rest surface by solid noise; distance fades them through the noise's own mipmaps.
struct Look { vec3 albedo; float roughness, metallic, soft, sheen; vec3 bend; };

// A surface's look at `at`, where a pixel covers `footprint` metres.
Look look_up(int index, vec3 at, float footprint) {
    vec4 colour = palette[3 * index], second = palette[3 * index + 1], more = palette[3 * index + 2];
    int kind = int(more.x);
    Look look = Look(colour.rgb, colour.w, second.w, 0.0, 0.0, vec3(0.0));
    // One lookup serves every pattern; only its stretch and what is made of it differ.
    vec3 stretch = vec3(7.0);
    if (kind == 2) stretch = vec3(60.0, 14.0, 60.0);
    else if (kind == 3) stretch = vec3(16.0);
    else if (kind == 4) stretch = vec3(11.0);
    else if (kind == 5) stretch = vec3(34.0, 2.5, 8.0);  // combed back over the crown, down behind
    else if (kind == 7) stretch = vec3(1.2, 9.0, 9.0);
    else if (kind == 8) stretch = vec3(22.0, 40.0, 22.0);
    else if (kind == 10) stretch = vec3(3.0);
    else if (kind == 12) stretch = vec3(14.0);
    // The noise is 64 texels a unit; along its finest axis the pixel covers this many of them.
    float finest = max(stretch.x, max(stretch.y, stretch.z)) * more.y;
    vec4 noise = textureLod(noise_map, at * stretch * more.y, log2(max(footprint * finest * 64.0, 1e-4)) - 0.5);
    float slow = noise.r - 0.5, fast = noise.g - 0.5;
    vec3 vector = noise.rba - 0.5;
    if (kind == 1 || kind == 2 || kind == 8) {
        float amount = kind == 1 ? 0.06 : 0.30;
        look.albedo = mix(colour.rgb, second.rgb, clamp(0.25 + amount * 2.0 * slow + 0.5 * fast, 0.0, 1.0));
        look.roughness = clamp(colour.w + 0.1 * fast, 0.05, 1.0);
        look.sheen = 0.9;
        look.bend = vector * (kind == 2 ? 0.18 : 0.22);
    } else if (kind == 3 || kind == 9) {
        look.albedo = mix(colour.rgb, second.rgb, clamp(0.4 + 0.8 * slow, 0.0, 1.0));
        look.roughness = clamp(colour.w + 0.35 * slow, 0.05, 1.0);
        look.bend = vector * (kind == 3 ? 0.22 : 0.05);
    } else if (kind == 4) {
        // Skin: uneven blood under an even surface.
        look.albedo = colour.rgb * (1.0 + vec3(0.10, -0.06, -0.10) * (2.0 * slow) + 0.05 * fast);
        look.roughness = clamp(colour.w + 0.25 * slow, 0.05, 1.0);
        look.soft = 1.0;
        look.bend = vector * 0.05;
    } else if (kind == 5) {
        look.albedo = mix(colour.rgb, second.rgb, clamp(0.5 + 1.6 * slow + 0.6 * fast, 0.0, 1.0));
        look.roughness = clamp(colour.w + 0.4 * slow, 0.05, 1.0);
        look.bend = vec3(vector.x, 0.15 * vector.y, 0.4 * vector.z) * 0.7;
        look.sheen = 0.4;
    } else if (kind == 6) {
        // An eyeball looking along +Z: white, iris, pupil, with edges as wide as the pixel.
        vec3 d = normalize(at);
        float off = acos(clamp(d.z, -1.0, 1.0));
        float w = max(footprint / 0.012, 0.02);
        float iris = 1.0 - smoothstep(0.47 - w, 0.47 + w, off), pupil = 1.0 - smoothstep(0.20 - w, 0.20 + w, off);
        float ring = 1.0 - 0.55 * smoothstep(0.34, 0.47, off);
        look.albedo = mix(colour.rgb, second.rgb * ring, iris) * (1.0 - 0.97 * pupil);
        look.roughness = mix(colour.w, 0.08, iris);
    } else if (kind == 7 || kind == 10 || kind == 12) {
        look.albedo = mix(colour.rgb, second.rgb, clamp(0.5 + 1.3 * slow + 0.6 * fast, 0.0, 1.0));
        look.roughness = clamp(colour.w + 0.25 * fast, 0.05, 1.0);
        look.bend = vector * (kind == 7 ? 0.08 : 0.15);
    } else if (kind == 11) {
        look.roughness = clamp(colour.w + 0.25 * slow, 0.05, 1.0);
    }
    return look;
}
