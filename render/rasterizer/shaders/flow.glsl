// Flow of one surface point: here it is `at`, there `at_k` (w = 0: at infinity).
layout(location = 0) out vec4 out_flow;     // px right, px down, depth there, 1 if it is before that camera
layout(location = 1) out ivec2 out_ids;

void put_flow(vec4 at, vec4 at_k, ivec2 ids) {
    vec4 a = world_clip * at, b = world_clip_k * at_k;
    // Both ends through the same arithmetic: what stands still has a flow of exactly zero.
    vec2 flow = (b.xy / b.w - a.xy / a.w) * (0.5 * image.xy);
    float depth = at_k.w > 0.5 ? dot(at_k.xyz - eye_k.xyz, forward_k.xyz) : 0.0;
    bool before = b.w > 1e-4;
    out_flow = before ? vec4(flow, depth, 1.0) : vec4(0.0);
    out_ids = ids;
}
