"""Training of camera policies: PPO from Stable-Baselines3, cloning of planners, checkpoints, export.

`config` says how a run goes, `train` runs it, `cloning` begins it from demonstrations, `export` writes what it made.
"""
