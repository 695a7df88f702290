#include "frame.glsl"
#include "flow.glsl"
void main() {
    vec3 along = ray.xyz + gl_FragCoord.x * ray_dx.xyz + gl_FragCoord.y * ray_dy.xyz;
    float depth = -eye.y / along.y;
    vec4 at = vec4(eye.x + depth * along.x, 0.0, eye.z + depth * along.z, 1.0);
    put_flow(at, at, ivec2(int(ground_tile.y), 0));
}
