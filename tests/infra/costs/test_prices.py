"""Price table: complete, dated, and strict on what it does not know."""

from pathlib import Path

import pytest

from infra.prices import PATH, Item, PriceTable


def test_every_price_has_a_unit_and_says_where_it_is_from() -> None:
    table = PriceTable.read()
    assert set(table.prices) == set(Item)
    assert all(price.unit and price.source for price in table.prices.values())
    assert f"{table.date:%Y-%m-%d} {table.region}" >= "2026-11-30 us-east-1"


def test_a_cost_is_the_count_at_the_price_of_its_unit() -> None:
    assert PriceTable.read().cost(Item.SQS_REQUEST, 5_000_000) == pytest.approx(2.00)


def test_a_table_that_lacks_a_price_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(PATH.read_text().partition("[prices.trace]")[0])
    with pytest.raises(ValueError, match="has no price of trace"):
        PriceTable.read(path)
