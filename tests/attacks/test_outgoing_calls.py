"""Whom the house lets itself be made to call, and what one slow receiver can do to all the others.

The attacker owns a webhook: its URL, the name service behind it, and the machine that answers. He wants the house to
call its own neighbours for him, to learn which names and ports there are inside, or to keep it busy.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any
from uuid import uuid4

import httpx
import pytest
from attacks.machines import drips, floods_body, floods_headers, hints, machine, never, say, takes
from hypothesis import given
from hypothesis import strategies as st
from lineage.conftest import World
from lineage.test_forwards import corpus
from lineage.test_goes_out import Seer, grow, key_of
from lineage.test_impact import changed, listen, released, train

from moneyer_lineage.log.publishers import Cosigning, Webhook, publish_checkpoint
from moneyer_lineage.log.rules.notes import Witness
from moneyer_lineage.models.use_cases.impact import announce
from moneyer_lineage.record.sinks import Sink
from moneyer_lineage.record.use_cases.forwards import forward
from moneyer_lineage.webhooks.courier import Courier
from moneyer_lineage.webhooks.messenger import Messenger, NotTaken, plain_client
from moneyer_shared.addresses import may_be_called

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
GUARD = 30
"""Seconds after which a test that waits for ever is ended; nothing is measured by it."""


def names(**found: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return found[host.rstrip(".").lower().partition(".")[0]]

    return resolve


def messenger(patience: float = GUARD, **found: Sequence[str]) -> Messenger:
    return Messenger(plain_client(), LOOPBACK, names(**found), patience)


# --- where a webhook may lead ----------------------------------------------------------------------

INSIDE = (
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.0.0.1", "192.0.0.9",
    "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001::1", "2001:0:5db8:d822::1", "2001:1::1", "2001:2::1", "2001:20::1",
    "2001:30::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::1", "2002:5db8:d822::1", "2620:4f:8000::1", "3fff::1",
    "3fff:fff::1", "4000::1", "5f00::1", "8000::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1",
    "ff02::1", "2606:4700::1%1", "nothing", "",
)  # fmt: skip
OUTSIDE = (
    "1.1.1.1",
    "93.184.216.34",
    "192.0.1.1",
    "2606:4700::1",
    "2a00:1450::1",
    "2001:4860::1",
    "3ffe::1",
    "64:ff9b::5db8:d822",
)


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_but_the_public_internet_may_be_called(address: str) -> None:
    assert not may_be_called(address, [], public=True)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_public_internet_may_be_called_and_by_https_alone(address: str) -> None:
    assert may_be_called(address, [], public=True)
    assert not may_be_called(address, [], public=False)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "64:ff9b::{}"]))
def test_an_address_that_stands_for_another_is_judged_by_that(address: IPv4Address, form: str) -> None:
    said = may_be_called(str(address), [], public=True)
    assert may_be_called(str(IPv6Address(form.format(address))), [], public=True) == said
    assert may_be_called(str(IPv6Address(form.format(address))), [ip_network(f"{address}/32")], public=False)


@given(st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_may_be_called(address: IPv6Address) -> None:
    if may_be_called(str(address), [], public=True):
        assert any(address in ip_network(one) for one in ("2000::/3", "64:ff9b::/96", "::ffff:0:0/96"))
        assert not any(address in ip_network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


async def register(lineage: World, url: str) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4())}
    return await lineage.call("scientist", "POST", "/v1/webhooks", json={"url": url}, headers=headers)


@pytest.mark.parametrize(
    "address", ("fec0::1", "5f00::1", "3fff::1", "4000::1", "2620:4f:8000::1", "192.88.99.1", "192.31.196.1")
)
async def test_a_name_that_leads_to_a_special_address_is_refused(lineage: World, address: str) -> None:
    """Addresses that Python's ``is_global`` lets through."""
    lineage.outside.names = {"odd.example": [address]}
    assert (await register(lineage, "https://odd.example/hook")).status_code == 422
    lineage.outside.names = {"odd.example": ["93.184.216.34", address]}
    assert (await register(lineage, "https://odd.example/hook")).status_code == 422, "one bad address of many is enough"
    assert await lineage.count("webhooks") == 0


@pytest.mark.parametrize("port", (0, 65_536, 99_999))
async def test_a_port_that_no_machine_has_is_refused(lineage: World, port: int) -> None:
    answer = await register(lineage, f"https://one.example:{port}/hook")
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook-url")


async def test_a_refusal_does_not_tell_which_names_there_are_inside(lineage: World) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        if host.startswith("nosuch"):
            raise OSError("no such name")
        return {"db.internal": ["10.1.2.3"], "meta.internal": ["169.254.169.254"], "empty.internal": []}.get(
            host, ["93.184.216.34"]
        )

    lineage.app.state.dependencies = replace(
        lineage.app.state.dependencies, messenger=Messenger(lineage.app.state.dependencies.messenger.http, (), resolve)
    )
    urls = ("https://db.internal/", "https://meta.internal/", "https://nosuch.internal/", "https://empty.internal/",
            "http://db.internal/", "http://nosuch.internal/", "http://public.example/")  # fmt: skip
    said = [(await register(lineage, url)).json() for url in urls]
    assert len({one["detail"] for one in said}) == 1, said
    assert {one["code"] for one in said} == {"webhook-url"}


async def test_a_failed_delivery_does_not_tell_which_names_and_ports_there_are_inside(lineage: World) -> None:
    asset = await released(lineage)
    await train(lineage, "scientist", "churn", [asset])
    hosts = ("refused", "unknown", "shut", "drips")
    hooks = {host: await listen(lineage, "scientist", f"https://{host}.example/hook") for host in hosts}
    await changed(lineage, asset, "withdrawn")

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host.startswith("unknown"):
            raise OSError("no such name")
        return ["169.254.169.254"] if host.startswith("refused") else ["93.184.216.34"]

    async def handle(request: httpx.Request) -> httpx.Response:
        if request.headers["host"].startswith("drips"):
            await asyncio.Event().wait()
        raise httpx.ConnectError("refused")

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    courier = Courier(replace(lineage.app.state.dependencies, messenger=Messenger(http, (), resolve, 0.2)))
    assert await courier.set_out() == len(hosts)
    await courier.arrive()
    answers = set()
    for hook in hooks.values():
        (shown,) = (await lineage.call("scientist", "GET", f"/v1/webhooks/{hook['id']}/deliveries")).json()
        answers.add(shown["answer"])
    assert len(answers) == 1, answers


async def test_a_redirect_is_not_followed_inside() -> None:
    async def redirects(writer: asyncio.StreamWriter) -> None:
        await say(writer, b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/\r\n\r\n" % inner.port)

    async with machine(takes) as inner, machine(redirects) as outer:
        with pytest.raises(NotTaken, match="307"):
            await messenger(one=["127.0.0.1"]).deliver(f"http://one.example:{outer.port}/", {}, b"{}")
    assert inner.heard == 0


# --- all addresses of a name (B50) ---------------------------------------------------------------


@pytest.mark.parametrize("host", ("one.example", "ONE.Example", "one.example."))
@pytest.mark.parametrize("addresses", (["::1", "127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "::1"]))
async def test_a_dead_address_does_not_make_a_good_receiver_unreachable(addresses: list[str], host: str) -> None:
    async with machine(takes) as good:
        said = await messenger(one=addresses).deliver(f"http://{host}:{good.port}/", {}, b"{}")
    assert said == "answered 204"
    assert good.heard == 1


async def test_what_was_spoken_with_is_not_told_again_at_its_next_address() -> None:
    async def hangs_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with machine(hangs_up) as one:
        with pytest.raises(NotTaken):
            await messenger(one=["127.0.0.1", "127.0.0.1"]).deliver(f"http://one.example:{one.port}/", {}, b"{}")
    assert one.heard == 1


# --- receivers that take their time (B49) -----------------------------------------------------------


@pytest.mark.parametrize("answer", (drips, hints, never))
async def test_an_attempt_ends_at_a_whole_limit(answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
    async with asyncio.timeout(GUARD), machine(answer) as slow:
        with pytest.raises(NotTaken):
            await messenger(0.3, one=["127.0.0.1"]).deliver(f"http://one.example:{slow.port}/", {}, b"{}")


async def test_an_answer_without_end_is_not_read() -> None:
    async with asyncio.timeout(GUARD), machine(floods_body) as body, machine(floods_headers) as headers:
        one = messenger(one=["127.0.0.1"])
        assert await one.deliver(f"http://one.example:{body.port}/", {}, b"{}") == "answered 200"
        with pytest.raises(NotTaken):
            await one.deliver(f"http://one.example:{headers.port}/", {}, b"{}")


async def test_a_name_service_that_never_answers_ends_too(lineage: World) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    lineage.app.state.dependencies = replace(
        lineage.app.state.dependencies,
        messenger=Messenger(lineage.app.state.dependencies.messenger.http, (), resolve, 0.1),
    )
    async with asyncio.timeout(GUARD):
        assert (await register(lineage, "https://slow.example/")).status_code == 422


async def inside(lineage: World, person: str, host: str, port: int) -> dict[str, Any]:
    """A webhook of the operator's own network, so that it may be plain http."""
    lineage.outside.names[f"{host}.example"] = ["10.0.0.1"]
    return await listen(lineage, person, f"http://{host}.example:{port}/")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(GUARD):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_dripping_receiver_delays_nobody_and_is_not_told_twice(lineage: World) -> None:
    """Three healthy ones beside it, and four things to tell, while it has not answered the first."""
    asset, dependencies = await released(lineage), lineage.app.state.dependencies
    await train(lineage, "scientist", "churn", [asset])
    async with machine(drips) as slow, machine(takes) as one, machine(takes) as two, machine(takes) as three:
        healthy = (one, two, three)
        for host, there in zip(("slow", "one", "two", "three"), (slow, *healthy), strict=True):
            await inside(lineage, "scientist", host, there.port)
        places = {host: ["127.0.0.1"] for host in ("slow", "one", "two", "three")}
        courier = Courier(replace(dependencies, messenger=messenger(**places)))
        for number, change in enumerate(("suspended", "resumed", "suspended", "resumed"), 1):
            await changed(lineage, asset, change)

            async def all_told(number: int = number) -> bool:
                await courier.set_out()
                told = await lineage.count("deliveries WHERE delivered_at IS NOT NULL")
                return told == 3 * number and all(there.heard == number for there in healthy)

            await until(all_told)
        assert await announce(dependencies) == 0, "nothing waits to be announced either"
        assert slow.heard == 1
        await courier.stop()


async def test_many_dripping_webhooks_of_one_owner_leave_ways_for_others(lineage: World) -> None:
    asset, dependencies = await released(lineage), lineage.app.state.dependencies
    await train(lineage, "scientist", "churn", [asset])
    await train(lineage, "lead-scientist", "credit", [asset])
    async with machine(drips) as slow, machine(takes) as good:
        for number in range(15):
            await inside(lineage, "scientist", f"slow{number}", slow.port)
        await inside(lineage, "lead-scientist", "good", good.port)
        await changed(lineage, asset, "withdrawn")
        places = {f"slow{number}": ["127.0.0.1"] for number in range(15)} | {"good": ["127.0.0.1"]}
        courier = Courier(replace(dependencies, messenger=messenger(**places)))
        assert await courier.set_out() == 10 + 1, "so many of one owner, and the other's"
        assert await courier.set_out() == 0, "an owner whose ways are all taken waits for one of them"

        async def told() -> bool:
            await courier.set_out()
            return await lineage.count("deliveries WHERE delivered_at IS NOT NULL") == 1

        await until(told)
        assert (good.heard, slow.heard <= 10) == (1, True)
        await courier.stop()


async def test_nobody_has_the_house_call_everywhere(lineage: World) -> None:
    for number in range(20):
        assert (await register(lineage, f"https://one.example/{number}")).status_code == 201
    full = await register(lineage, "https://one.example/20")
    assert (full.status_code, full.json()["code"]) == (409, "webhooks-full")


# --- places the operator named: slow ones hold up nobody either ----------------------------------


async def test_a_place_for_checkpoints_that_drips_ends_too(lineage: World) -> None:
    await grow(lineage, 2)
    async with asyncio.timeout(GUARD), machine(drips) as slow, machine(takes) as good, httpx.AsyncClient() as http:
        posts = [Webhook(f"http://127.0.0.1:{one.port}/", http) for one in (slow, good)]
        assert await publish_checkpoint(lineage.app.state.dependencies, posts, patience=0.5) == 1
    assert good.heard == 1


@pytest.mark.parametrize("said", (b"", b"x", b"-1", b"9" * 5000, "３".encode(), b"1_0"))
async def test_a_witness_that_answers_nonsense_stops_no_loop(lineage: World, said: bytes) -> None:
    await grow(lineage, 2)

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(409, content=said, headers={"Content-Type": "text/x.tlog.size"})

    witness = Witness.of(Seer(await key_of(lineage)).verifier_key)
    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    assert (
        await publish_checkpoint(lineage.app.state.dependencies, [Cosigning("http://witness.example", witness, http)])
        == 0
    )


async def test_a_witness_that_never_stops_talking_is_not_listened_to(lineage: World) -> None:
    await grow(lineage, 2)
    witness = Witness.of(Seer(await key_of(lineage)).verifier_key)
    async with asyncio.timeout(GUARD), machine(floods_body) as loud, httpx.AsyncClient() as http:
        post = Cosigning(f"http://127.0.0.1:{loud.port}", witness, http)
        assert await publish_checkpoint(lineage.app.state.dependencies, [post], patience=GUARD) == 0


@pytest.mark.parametrize("answer", (drips, floods_body))
async def test_a_sink_of_events_that_takes_its_time_ends_too(
    lineage: World, answer: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    for event in corpus()[:1]:
        await lineage.tell(event)
    async with asyncio.timeout(GUARD), machine(answer) as slow, httpx.AsyncClient() as http:
        taken = await forward(lineage.app.state.dependencies, [Sink(f"http://127.0.0.1:{slow.port}", "", http, 0.5)])
    assert taken == (1 if answer is floods_body else 0), "what it said is not read, that it took it is"
