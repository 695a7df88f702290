// Linear light to 8-bit film pixels, by the same curve and matrices as render/tonemap.py.
uniform sampler2D one;
uniform sampler2D curve_map;    // the curve over log2 of light, CURVE_LOW to CURVE_HIGH
uniform mat3 inset, outset;
uniform vec2 range;             // lowest stop, 1 / stops
layout(location = 0) out vec4 shown;

float curve(float v) { return textureLod(curve_map, vec2((log2(max(v, 1e-9)) - range.x) * range.y, 0.5), 0.0).r; }

void main() {
    vec3 v = inset * texelFetch(one, ivec2(gl_FragCoord.xy), 0).rgb;
    vec3 c = clamp(outset * vec3(curve(v.r), curve(v.g), curve(v.b)), 0.0, 1.0);
#if ENCODE
    c = mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, greaterThan(c, vec3(0.0031308)));
#endif
    shown = vec4(c, 1.0);
}
