// How much of the sky a point of the ground sees past what stands or hovers over it.
// below_map: heights of the lowest surfaces, 0..1 from 0.3 m under the ground up. A disc of radius R at height h hides R²/(R²+h²) of
// the cosine-weighted hemisphere above its middle; rings are differences of discs.
uniform sampler2D below_map;
uniform vec3 side;      // metres covered, texels, range of heights in metres
layout(location = 0) out float open;
const float RADII[6] = float[](0.0, 0.022, 0.055, 0.115, 0.22, 0.42);
void main() {
    vec2 here = gl_FragCoord.xy / side.y;
    float hidden = 0.0;
    for (int ring = 0; ring < 5; ++ring) {
        float a = RADII[ring], b = RADII[ring + 1], r = 0.5 * (a + b) / side.x;
        int taps = ring == 0 ? 1 : 6;
        vec2 arm = vec2(cos(float(ring)), sin(float(ring))) * (ring == 0 ? 0.0 : r);
        float sum = 0.0;
        for (int i = 0; i < taps; ++i) {
            float d = textureLod(below_map, here + arm, 0.0).r;
            float h = max(d * side.z - 0.3, 0.004);
            // What touches the ground stands on it: seen from beside it is a wall, not a sheet.
            h = max(h, r * side.x * float(min(ring, 1)));
            float h2 = h * h;
            sum += d < 1.0 ? b * b / (b * b + h2) - a * a / (a * a + h2) : 0.0;
            arm = mat2(0.5, 0.8660254, -0.8660254, 0.5) * arm;
        }
        hidden += sum / float(taps);
    }
    open = 1.0 - 0.9 * clamp(hidden, 0.0, 1.0);
}
