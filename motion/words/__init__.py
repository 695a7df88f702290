"""English words to an action plan: tables of words, a shallow parser, lengths and a description; no network.

The public face is `motion.text`. Inside: `vocabulary` (the closed lists and the types), `forms` (tokens and word
forms), `verbs` (what people call each action), `slots` (manner, style, direction and the like), `numbers` (counts,
durations, angles, distances), `marks` (tables laid over tokens), `segments` (clauses and what joins them), `clauses`
(one action each), `order` (which after which, which together), `nearest` (words outside the vocabulary), `lengths`
and `tell`.
"""
