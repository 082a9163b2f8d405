"""The rules that a protocol must keep beyond its shape, judged all at once.

Where a rule's source is not named it is the design of the format (docs/protocol-format.md).
"""

from __future__ import annotations

from trials.domain.errors import Problem
from trials.domain.protocols.positions import Positions
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.validation.codes import (
    bad_codes,
    collisions,
    crowded_sections,
    duplicates,
    empty_lists,
    empty_texts,
    fact_names,
    labels_with_numbers,
    roles,
    unknown_codes,
    unused_codes,
    wrong_numbers,
)
from trials.domain.protocols.validation.graph import (
    circles,
    loose_anchors,
    unknown_zone,
    unset_anchors,
    visits_that_set,
)
from trials.domain.protocols.validation.reach import follow_up_past_end, open_windows, unreachable_windows
from trials.domain.protocols.validation.references import (
    named_twice,
    over_references,
    partial_bases,
    turned_anchors,
    turned_by_order,
    unfounded_end,
)
from trials.domain.protocols.validation.timings import (
    far_offsets,
    hours_in_days,
    overlapping_windows,
    references_to_many,
    repeats,
    tolerances,
    turned_ranges,
    uneven_days,
)
from trials.domain.protocols.validation.windows import (
    blocks,
    empty_gates,
    gate_intervals,
    hold_lengths,
    turned_windows,
)

_ON_THE_PROTOCOL = (
    bad_codes,
    duplicates,
    collisions,
    roles,
    empty_lists,
    fact_names,
    labels_with_numbers,
    empty_texts,
    wrong_numbers,
    unknown_codes,
    unused_codes,
    unknown_zone,
    circles,
    loose_anchors,
    unset_anchors,
    visits_that_set,
    far_offsets,
    hours_in_days,
    uneven_days,
    repeats,
    tolerances,
    references_to_many,
    empty_gates,
    gate_intervals,
    hold_lengths,
    open_windows,
    partial_bases,
    over_references,
    named_twice,
    unfounded_end,
    follow_up_past_end,
)
_ON_POSITIONS = (
    turned_ranges,
    turned_windows,
    turned_anchors,
    turned_by_order,
    blocks,
    overlapping_windows,
    unreachable_windows,
)


def validate(protocol: Protocol) -> tuple[Problem, ...]:
    """All faults and warnings of a protocol; none at all where it is sound.

    Paths are those of its document, such as `visits[3].at`. A section too crowded to be judged
    in reasonable time is reported alone.
    """
    crowded = tuple(crowded_sections(protocol))
    if crowded:
        return crowded
    found = [problem for rule in _ON_THE_PROTOCOL for problem in rule(protocol)]
    positions = Positions(protocol)
    found += [problem for rule in _ON_POSITIONS for problem in rule(positions)]
    return tuple(dict.fromkeys(found))
