"""What a trial is called outside."""

import pytest

from trials.domain.protocols.outside_names import names_disease, proposed_outside_name


@pytest.mark.parametrize(
    ("code", "disease", "proposed"),
    [
        ("CART-SLE", True, "CART"),
        ("NCT07274059", False, "NCT07274059"),
        ("sle_cart_02", True, "cart_02"),
        ("ABC-lupus-nephritis-7", True, "ABC-7"),
        ("LupusNephritis2", True, ""),
        ("SLE-01", True, ""),
        ("CLASS-1", False, "CLASS-1"),
        ("TUMBLE", False, "TUMBLE"),
        ("狼疮-CART", True, "CART"),
    ],
)
def test_a_disease_in_a_code_is_never_said_outside(code: str, disease: bool, proposed: str) -> None:
    assert names_disease(code) is disease
    assert proposed_outside_name(code) == proposed
    assert not names_disease(proposed)
