"""A study from Python: describe it as a dict, run it, read its arms.

Real handwritten digits against a share of generated ones, far too small to conclude anything: it
leaves out the controls and the corrupted test images that a study has by default.
Run it twice: the second time everything is there already.
"""

from synthmix import study

FLOW = {
    "use": "flow",
    "flip": False,
    "widths": [16],
    "blocks": [1],
    "rank": 16,
    "fit_steps": 20,
    "steps": 2,
    "device": "cpu",
}
TINY = {
    "name": "tiny",
    "real": {"use": "digits"},
    "synthetic": {"flow": {"generator": FLOW, "per_class": 12}},
    "mixing": {"use": "replace", "total": 100, "ratios": [0, 0.5]},
    "training": {"steps": 40, "batch_size": 32, "flip": False, "ema_decay": 0, "device": "cpu"},
    "controls": False,
    "evaluation": {"corruptions": False},
    "seeds": 2,
    "reduced_budget": True,
    "engine": {"use": "local", "processes": 1},
}


def main() -> None:
    """Run the study in `results/tiny` and print a line an arm."""
    tiny = study.resolve(TINY)
    results = study.run(tiny)
    for arm in results.arms:
        print(
            f"{arm.name:10} {arm.num_real:4} real {arm.num_synthetic:4} synthetic  "
            f"accuracy {arm.accuracy.mean:.3f}, by seed {arm.accuracy.values}"
        )
    print(results.report)


if __name__ == "__main__":
    main()
