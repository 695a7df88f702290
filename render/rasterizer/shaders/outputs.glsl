// Where a pass's values go; which exist depends on the pass being drawn.
#ifdef PASS_BEAUTY
layout(location = 0) out vec4 out_colour;
#ifdef WITH_ALBEDO
layout(location = 1) out vec4 out_albedo;
#endif
#endif
#ifdef PASS_ALL
layout(location = 0) out vec4 out_colour;
layout(location = 1) out vec4 out_albedo;
layout(location = 2) out vec4 out_normal;       // w: depth
layout(location = 3) out ivec4 out_ids;         // instance, part; roughness and metallic as the bits of floats
layout(location = 4) out vec4 out_diffuse;
layout(location = 5) out vec4 out_specular;
#endif
#ifdef PASS_DATA
layout(location = 0) out vec4 out_albedo;
layout(location = 1) out vec4 out_normal;
layout(location = 2) out ivec4 out_ids;
#endif
#ifdef PASS_SHAPE
layout(location = 0) out vec4 out_normal;
layout(location = 1) out ivec2 out_ids;
#endif

void put(vec3 albedo, float roughness, float metallic, vec3 normal, float depth, ivec2 ids, Light light, float alpha) {
#ifdef LIT
    out_colour = vec4(albedo * light.diffuse + light.specular, alpha);
#endif
#if defined(PASS_ALL) || defined(PASS_DATA) || defined(WITH_ALBEDO)
    out_albedo = vec4(albedo, 1.0);
#endif
#if defined(PASS_ALL) || defined(PASS_DATA) || defined(PASS_SHAPE)
    out_normal = vec4(normal, depth);
#ifdef PASS_SHAPE
    out_ids = ids;
#else
    out_ids = ivec4(ids, floatBitsToInt(roughness), floatBitsToInt(metallic));
#endif
#endif
#ifdef PASS_ALL
    out_diffuse = vec4(light.diffuse, 1.0);
    out_specular = vec4(light.specular, 1.0);
#endif
}
