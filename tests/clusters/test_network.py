from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.clusters import ClusterError
from e2e.clusters.local.network import CANDIDATES, free_subnet

networks = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.one_of(
        st.integers(0, 2**32 - 1),
        st.integers(int(CANDIDATES[0].network_address), int(CANDIDATES[0].broadcast_address)),
    ),
    st.integers(14, 32),
)


@settings(max_examples=25)
@given(st.lists(networks, max_size=20))
def test_the_subnet_overlaps_nothing_that_is_routed(taken: list[IPv4Network]) -> None:
    subnet = free_subnet(taken)
    assert subnet.prefixlen == 30
    assert not any(subnet.overlaps(network) for network in taken)


def test_a_default_route_takes_nothing() -> None:
    assert free_subnet([IPv4Network("0.0.0.0/0")]) == IPv4Network("10.245.0.0/30")


def test_another_range_is_used_where_a_vpn_routes_all_of_the_first() -> None:
    assert free_subnet([IPv4Network("10.0.0.0/8")]) == IPv4Network("172.30.245.0/30")


def test_no_free_subnet_is_an_error_that_names_the_ranges() -> None:
    with pytest.raises(ClusterError, match=r"10\.245\.0\.0/16.*free four addresses"):
        free_subnet(CANDIDATES)
