"""What licences allow: only those known to allow commercial use count; unknown ones never do."""

from __future__ import annotations

import pytest

from mocap_data import files, joints, kimodo
from mocap_data.dataset_licence import short
from motion import licences


@pytest.mark.parametrize(
    "licence",
    [
        "MIT", "mit", "MIT License", "The MIT License", "CMU", "CMU, MIT", "CMU + MIT", "CMU; MIT and CC0", "CC0 1.0",
        "CC0", "CC BY 4.0", "CC-BY-4.0", "CC BY-SA 3.0", "Creative Commons Attribution 4.0 International", "Apache-2.0",
        "Apache License, Version 2.0", "BSD-3-Clause", "BSD 2-Clause License", "public domain", "ISC", "ODC-By 1.0",
        files.CMU_LICENCE, files.DEEPMIMIC_LICENCE, files.deepmimic_licence("49_02.txt"),
    ],
)  # fmt: skip
def test_known_to_allow(licence: str) -> None:
    assert licences.allows_commercial(licence) and licences.use(licence) == "commercial use allowed"


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("", "ask"), ("unknown", "ask"), (licences.UNSTATED, "ask"), ("see LICENSE (mine)", "ask"),
        ("proprietary", "ask"),
        ("CMU, not stated", "ask"), ("not MIT", "ask"), ("MITRE", "ask"), ("CC BY-ND 4.0", "ask"), ("GPL-3.0", "ask"),
        ("© 2024 Studio", "ask"), (", +", "ask"), ("MIT License, see below", "ask"), ("CC BY", "commercial"),
        ("CC BY-NC 4.0", "not"), ("CC BY-NC-ND 4.0", "not"), ("CMU, CC BY-NC 4.0", "not"), ("research only", "not"),
        ("MIT, for research purposes", "not"), ("non commercial", "not"), (files.AMASS_LICENCE, "not"),
        (files.BANDAI_NAMCO_LICENCE, "not"), (joints.LICENCE, "not"), (kimodo.LICENCE, "not"),
        ("NOT PERMITTED FOR COMMERCIAL USE", "ask"),
    ],
)  # fmt: skip
def test_all_else_is_not(licence: str, said: str) -> None:
    assert licences.allows_commercial(licence) is (said == "commercial")
    assert licences.use(licence).startswith(said)


def test_the_stricter_ones_are_named() -> None:
    assert licences.combined(["MIT", "CMU"]) == "CMU, MIT"
    assert licences.combined(["MIT", "CC BY-NC 4.0", "", "MIT"]) == "CC BY-NC 4.0, not stated"
    assert licences.combined([]) == licences.combined([" "]) == licences.UNSTATED


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (files.CMU_LICENCE, "CMU"), (files.BANDAI_NAMCO_LICENCE, "CC BY-NC 4.0"), (files.DEEPMIMIC_LICENCE, "MIT"),
        (files.deepmimic_licence("49_02.txt"), "CMU + MIT"), ("", "not stated"), ("unknown", "not stated"),
        ("NOT PERMITTED for sale", "NOT PERMITTED for sale"), ("CC BY 4.0", "CC BY 4.0"),
        (f"{files.CMU_LICENCE}; research only", f"{files.CMU_LICENCE}; research only"),
    ],
)  # fmt: skip
def test_short_names_hide_nothing(said: str, name: str) -> None:
    assert short(said) == name
