#include "frame.glsl"
#include "light.glsl"
#include "outputs.glsl"
uniform sampler2D plate_map;
uniform sampler2D cloud_map;

void main() {
    Light light = Light(vec3(0.0), vec3(0.0));
#ifdef LIT
#if PLATE
    light.specular = textureLod(plate_map, gl_FragCoord.xy * image.zw, 0.0).rgb;
#elif !TRANSPARENT
    vec3 d = normalize(ray.xyz + gl_FragCoord.x * ray_dx.xyz + gl_FragCoord.y * ray_dy.xyz);
#if GROUNDLESS
    vec3 sky = sky_radiance(d, 0.0);
#else
    vec3 sky = sky_above(d.y);
#endif
    float towards = max(dot(d, sun.xyz), 0.0);
    sky += glow.rgb * pow(towards, glow.w);
#if CLOUDS
    // One sheet of cloud overhead; towards the horizon it thins into the haze before its detail can shimmer.
    float up = max(d.y, 0.0) + 0.06;
    vec2 over = d.xz * (0.11 / up);
    float lod = log2(max(0.11 * 512.0 * image.w * 0.7 / (up * up), 1e-4)) + pixel_turn() - 0.5;
    float thick = textureLod(cloud_map, over + 0.31, lod).r;
    float cover = smoothstep(0.62 - 0.34 * middle.z, 0.98 - 0.30 * middle.z, thick) * smoothstep(0.0, 0.16, d.y);
    vec3 lit = haze.rgb * 1.12 + sun_colour.rgb * (0.10 + 0.25 * towards * towards);
    sky = mix(sky, lit * (1.0 - 0.25 * thick), 0.85 * cover);
#endif
#if STARS
    vec3 cell = floor(d * 190.0);
    float star = fract(sin(dot(cell, vec3(12.9898, 78.233, 37.719))) * 43758.5453);
    float near = 1.0 - smoothstep(0.1, 0.42, length(fract(d * 190.0) - 0.5));
    sky += smoothstep(0.9965, 1.0, star) * near * clamp(d.y * 3.0, 0.0, 1.0) * 0.5;
#endif
    light.specular = sky;
#endif
#endif
    put(vec3(0.0), 0.0, 0.0, vec3(0.0), 0.0, ivec2(0), light, 0.0);
}
