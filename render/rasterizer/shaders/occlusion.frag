// Whether the point that each pixel shows is hidden, or out of the picture, at frame k.
// Seen: one of the four pixels round the place it goes to shows the same instance at the depth it has there.
uniform sampler2D place_map;    // flow, depth there, validity
uniform isampler2D ids_here;
uniform sampler2D shape_k;      // normal and depth at frame k
uniform isampler2D ids_k;
uniform vec2 size;
layout(location = 0) out float hidden;

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy);
    vec4 flow = texelFetch(place_map, here, 0);
    int instance = texelFetch(ids_here, here, 0).r;
    vec2 there = gl_FragCoord.xy + flow.xy;
    bool inside = flow.w > 0.5 && all(greaterThanEqual(there, vec2(0.0))) && all(lessThan(there, size));
    ivec2 corner = ivec2(floor(there - 0.5));
    bool seen = false;
    float nearest = 1e30, farthest = 0.0;
    for (int i = 0; i < 4; ++i) {
        ivec2 at = clamp(corner + ivec2(i & 1, i >> 1), ivec2(0), ivec2(size) - 1);
        float depth = texelFetch(shape_k, at, 0).w;
        if (texelFetch(ids_k, at, 0).r == instance) {
            nearest = min(nearest, depth);
            farthest = max(farthest, depth);
            seen = true;
        }
    }
    // Between its neighbours' depths, with room for curvature; an edge seen on from the side spans much depth itself.
    float room = max(0.006 * flow.z, 0.5 * (farthest - nearest)) + 0.003;
    bool same = instance == 0 || (flow.z < farthest + room && flow.z > nearest - room);
    hidden = inside && seen && same ? 0.0 : 1.0;
}
