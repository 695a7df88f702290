// What every stage knows of the picture being drawn. Units: metres, world space, Y up.
// What never changes in a scene is compiled in (LAMPS, GROUND_KIND, BACKDROP, USES_…): a software driver runs every
// branch of a shader for every pixel.
const int MAX_LAMPS = 12;
layout(std140) uniform FrameBlock {
    mat4 world_clip;        // y down, so that row 0 of the picture is the top
    mat4 world_clip_k;      // the same at the frame that flow leads to
    mat4 world_shadow;      // to shadow-map coordinates and depth, all 0..1
    vec4 eye, forward;
    vec4 eye_k, forward_k;
    vec4 ray, ray_dx, ray_dy;   // the ray of pixel (x, y) is ray + x ray_dx + y ray_dy, one metre deep
    vec4 image;             // width, height, 1 / width, 1 / height
    vec4 sun;               // towards it; w: tangent of its radius
    vec4 sun_colour;        // w: 1 if the shadow map holds anything
    vec4 shadow;            // metres per texel, metres of depth range, texels per side, turn of the sampling pattern
    vec4 sky_light[9];      // irradiance / pi, as harmonics
    vec4 zenith, horizon;   // the sky's colours; horizon.w: how fast one becomes the other, per unit of height, base 2
    vec4 haze;              // colour; w: extinction per metre
    vec4 glow;              // around the sun; w: sharpness
    vec4 reach;             // x: haze start, y, z: backdrop start and end, w: unused
    vec4 middle;            // of the set, x and z; z: clouds, w: stars
    vec4 contact;           // contact map: low x, low z, 1 / side, 1 if present
    vec4 ground_a;          // first colour; w: kind
    vec4 ground_b;          // second colour; w: roughness
    vec4 ground_tile;       // x: 1 / metres per tile, y: instance id, z: log2 of the tile's texels a side, w: how much
                            // longer than wide a pixel's footprint may be before it is blurred
    vec4 ground_patch[2];   // corners, x and z, of the part of the ground that anything can shade
    vec4 patch_axis;        // its sides' directions, x and z each
    vec4 lamp_place[MAX_LAMPS];     // w: 0 directional (place is the direction towards it), 1 point, 2 spot
    vec4 lamp_colour[MAX_LAMPS];    // w: cosine of a spot's half angle
    vec4 lamp_axis[MAX_LAMPS];
};
