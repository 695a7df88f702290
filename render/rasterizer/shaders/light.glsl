// Light on a surface: GGX metallic-roughness (glTF 2.0), one sun with contact-hardening shadows, lamps, a sky.
uniform sampler2DShadow shadow_map;
uniform sampler2D shadow_depth;
uniform sampler2D sky_map;
uniform sampler3D noise_map;

const float PI = 3.14159265;

struct Surface {
    vec3 place, normal, view;   // view: towards the eye
    vec3 albedo;
    float roughness, metallic;
    float open;                 // ambient visibility
    float soft;                 // how far light wraps round, as through skin
    float sheen;                // cloth's brightness at grazing angles
};

struct Light { vec3 diffuse, specular; };

vec3 sky_radiance(vec3 direction, float roughness) {
    float s = sign(direction.y) * sqrt(abs(direction.y));
    return texture(sky_map, vec2(s * (127.5 / 256.0) + 0.5, roughness * (7.0 / 8.0) + 0.0625)).rgb;
}

// The same above the horizon, and sharp: a formula costs a software driver a tenth of a lookup.
vec3 sky_above(float y) { return mix(zenith.rgb, horizon.rgb, exp2(-horizon.w * max(y, 0.0))); }

vec3 sky_irradiance(vec3 n) {
    return max(sky_light[0].rgb + sky_light[1].rgb * n.y + sky_light[2].rgb * n.z + sky_light[3].rgb * n.x
        + sky_light[4].rgb * (n.x * n.y) + sky_light[5].rgb * (n.y * n.z) + sky_light[6].rgb * (3.0 * n.z * n.z - 1.0)
        + sky_light[7].rgb * (n.x * n.z) + sky_light[8].rgb * (n.x * n.x - n.y * n.y), vec3(0.0));
}

// Interleaved gradient noise (Jimenez 2014): even over any 3x3 pixels.
float pixel_turn() {
    return fract(52.9829189 * fract(dot(floor(gl_FragCoord.xy), vec2(0.06711056, 0.00583715))) + shadow.w);
}

// Part of the sun that a point sees. The loops, not branches, are what lets points outside the map skip the work.
float sun_visibility(vec3 place, vec3 normal, float facing) {
    float texel = shadow.x;
    vec3 q = (world_shadow * vec4(place + normal * (texel * (1.0 + 1.5 * (1.0 - facing))), 1.0)).xyz;
    // Past the terminator too: light that wraps round skin there must not reach into a shadow.
    bool inside = all(lessThan(abs(q.xy - 0.5), vec2(0.5))) && q.z < 1.0 && sun_colour.w > 0.0 && facing > -0.16;
    float side = shadow.z * texel;
    float search = clamp(sun.w * q.z * shadow.y, 1.5 * texel, 0.30) / side;
    float turn = 6.2831853 * pixel_turn();
    vec2 arm = vec2(cos(turn), sin(turn));
    const mat2 golden = mat2(-0.7373688, 0.6754903, -0.6754903, -0.7373688);

    float found = 0.0, blocker = 0.0;
    vec2 tap = arm;
    int searches = inside ? SEARCH_TAPS : 0;
    for (int i = 0; i < searches; ++i) {
        float d = textureLod(shadow_depth, q.xy + tap * (search * sqrt((float(i) + 0.5) / float(SEARCH_TAPS))), 0.0).r;
        float hit = step(d, q.z - 0.002 / shadow.y);
        found += hit;
        blocker += d * hit;
        tap = golden * tap;
    }
    float gap = (q.z - blocker / max(found, 1.0)) * shadow.y;
    float radius = clamp(sun.w * gap, 1.25 * texel, 0.5) / side;
    // A wide filter on a slope would shade itself: lift the receiver with the filter.
    float bias = min(radius * side * 0.6 * sqrt(1.0 - facing * facing) / max(facing, 0.15), 0.06) / shadow.y;
    float lit = 0.0;
    int taps = found > 0.0 ? SHADOW_TAPS : 0;
    tap = arm;
    for (int i = 0; i < taps; ++i) {
        vec2 at = q.xy + tap * (radius * sqrt((float(i) + 0.5) / float(SHADOW_TAPS)));
        lit += textureLod(shadow_map, vec3(at, q.z - bias), 0.0);
        tap = golden * tap;
    }
    return taps > 0 ? lit / float(SHADOW_TAPS) : 1.0;
}

// D * V of GGX with height-correlated Smith (Heitz 2014), times pi because light here is irradiance / pi.
float ggx(float nl, float nv, float nh, float a) {
    float a2 = a * a;
    float d = nh * nh * (a2 - 1.0) + 1.0;
    float v = 0.5 / max(nl * sqrt(nv * nv * (1.0 - a2) + a2) + nv * sqrt(nl * nl * (1.0 - a2) + a2), 1e-4);
    return a2 / (d * d) * v;
}

vec3 fresnel(vec3 f0, float c) {
    float m = 1.0 - c;
    return f0 + (1.0 - f0) * (m * m * m * m * m);
}

void add_light(inout Light sum, Surface s, vec3 f0, float nv, vec3 to_light, vec3 colour) {
    float raw = dot(s.normal, to_light);
    float nl = max(raw, 0.0);
    vec3 h = normalize(to_light + s.view);
    float spec = ggx(nl, nv, max(dot(s.normal, h), 0.0), max(s.roughness * s.roughness, 0.02)) * nl;
    // Light that wraps round skin comes back redder.
    vec3 wrap = s.soft * vec3(0.16, 0.06, 0.035);
    vec3 cosine = max(vec3(0.0), (vec3(raw) + wrap) / (1.0 + wrap));
    sum.diffuse += colour * mix(vec3(nl), cosine, step(1e-3, s.soft)) * (1.0 - s.metallic);
    sum.specular += colour * (fresnel(f0, max(dot(s.view, h), 0.0)) * min(spec, 8.0));
}

#if LAMPS > 0
#ifndef KICKER_GLARE
#define KICKER_GLARE 1.0    // of a preset's rim lights in what they shine on
#endif
// Lamps without shadows; what hides the sky from a place half hides them too.
Light lamplight(Surface s) {
    Light sum = Light(vec3(0.0), vec3(0.0));
    float nv = max(dot(s.normal, s.view), 1e-3);
    vec3 f0 = mix(vec3(0.04), s.albedo, s.metallic);
    for (int i = 0; i < LAMPS; ++i) {
        vec4 place = lamp_place[i];
        vec3 to = place.w > 0.5 ? place.xyz - s.place : place.xyz;
        float d2 = max(dot(to, to), 1e-4);
        vec3 l = to * inversesqrt(d2);
        float strength = place.w > 0.5 ? 1.0 / d2 : 1.0;
        float cone = dot(-l, lamp_axis[i].xyz);
        float edge = lamp_colour[i].w;
        strength *= place.w > 1.5 ? smoothstep(edge, mix(edge, 1.0, 0.25), cone) : 1.0;
        Light one = Light(vec3(0.0), vec3(0.0));
        add_light(one, s, f0, nv, l, lamp_colour[i].rgb * (strength * mix(s.open, 1.0, 0.5)));
        sum.diffuse += one.diffuse;
        sum.specular += one.specular * (place.w > 0.5 ? 1.0 : KICKER_GLARE);
    }
    return sum;
}
#endif

// Light on a surface, of whose sun `seen` is not hidden, and in which the sky's reflection is `mirror`.
Light shade(Surface s, float seen, vec3 mirror) {
    Light sum = Light(vec3(0.0), vec3(0.0));
    float nv = max(dot(s.normal, s.view), 1e-3);
    vec3 f0 = mix(vec3(0.04), s.albedo, s.metallic);
    add_light(sum, s, f0, nv, sun.xyz, sun_colour.rgb * seen);
#if LAMPS > 0
    Light lamps = lamplight(s);
    sum.diffuse += lamps.diffuse;
    sum.specular += lamps.specular;
#endif
    vec3 ambient = sky_irradiance(s.normal) * s.open;
    float graze = 1.0 - nv;
    sum.diffuse += ambient * (1.0 - s.metallic) * (1.0 + s.sheen * graze * graze * graze);
    // Reflected sky: the split sum with Karis's fit of its second factor (2014).
    vec4 r = s.roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a = min(r.x * r.x, exp2(-9.28 * nv)) * r.x + r.y;
    vec2 ab = vec2(-1.04, 1.04) * a + r.zw;
    sum.specular += mirror * (f0 * ab.x + ab.y) * (s.open * s.open);
    return sum;
}

// Air between the eye and a surface: what is behind fades into the horizon's colour.
void add_haze(inout Light light, float distance) {
    float clear = exp(-haze.w * max(distance - reach.x, 0.0));
    light.diffuse *= clear;
    light.specular = light.specular * clear + haze.rgb * (1.0 - clear);
}
