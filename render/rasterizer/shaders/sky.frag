#include "frame.glsl"
#include "light.glsl"
#include "outputs.glsl"
uniform sampler2D plate_map;

void main() {
    Light light = Light(vec3(0.0), vec3(0.0));
#ifdef LIT
#if PLATE
    light.specular = textureLod(plate_map, gl_FragCoord.xy * image.zw, 0.0).rgb;
#elif !TRANSPARENT
    vec3 d = normalize(ray.xyz + gl_FragCoord.x * ray_dx.xyz + gl_FragCoord.y * ray_dy.xyz);
    vec3 sky = sky_radiance(d, 0.0);
    float towards = max(dot(d, sun.xyz), 0.0);
    sky += glow.rgb * pow(towards, glow.w);
    light.specular = sky;
#endif
#endif
    put(vec3(0.0), 0.0, 0.0, vec3(0.0), 0.0, ivec2(0), light, 0.0);
}
