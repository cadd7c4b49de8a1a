"""Commands for campaigns: launch, stop, ship."""

from __future__ import annotations

from typing import Annotated

import typer

from volano.cli.finishing import finish
from volano.cli.say import Home, Json, answer, answers, now
from volano.domain.campaign import Campaign
from volano.wiring import open_house, read_settings

Key = Annotated[str, typer.Argument(help="Key of a campaign, from `volano results --json`.")]


def launch(
    idea: Annotated[str, typer.Argument(help="Key of an idea, from `volano ideas`.")],
    draft: Annotated[bool, typer.Option("--draft", help="Only draft it; publish it later.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Turn an idea into a campaign and publish it.

    Example: volano launch 3f2a.free-delivery-bar --draft
    """
    from volano.flow import launch as launching
    from volano.flow.shop import lens_of

    house = open_house(read_settings(home=home), make=False)
    campaign = launching.draft(house.lake, house.state, idea, now=now(), lens=lens_of(house))
    if not draft:
        campaign = launching.publish(house.state, campaign.key, now=now())
        finish(house)
    answer(campaign, as_json, lambda: _show(campaign))


def stop(key: Key, home: Home = None, as_json: Json = False) -> None:
    """End a campaign: nobody sees it any more, its results stay.

    Example: volano stop c-3f2a-free-delivery-bar
    """
    from volano.flow.launch import stop as stop_it

    house = open_house(read_settings(home=home), make=False)
    campaign = stop_it(house.state, key, now=now())
    answer(campaign, as_json, lambda: _show(campaign))


def ship(key: Key, home: Home = None, as_json: Json = False) -> None:
    """Show a campaign to everyone in its audience, without control.

    Example: volano ship c-3f2a-free-delivery-bar
    """
    from volano.flow.launch import ship as ship_it

    house = open_house(read_settings(home=home), make=False)
    campaign = ship_it(house.state, key, now=now())
    finish(house)
    answer(campaign, as_json, lambda: _show(campaign))


def _show(campaign: Campaign) -> None:
    plan = campaign.plan
    lines = [f"{campaign.name}: {campaign.status} ({campaign.key})"]
    if campaign.cap is not None:
        lines.append(f"  At most {campaign.cap.times} visits of a person in {campaign.cap.days} days.")
    for arm in campaign.arms:
        if arm.content is not None:
            said = arm.content
            parts = [said.headline, said.body, *said.choices, said.button, said.href, said.coupon]
            lines.append(f"  {arm.key}, {arm.weight:.0%}: {' · '.join(part for part in parts if part)}")
    if campaign.status in ("draft", "live"):
        lines.append(
            f"  It needs {plan.people_per_arm:,} people per arm, about {plan.days:.0f} days, to see a lift "
            f"of {plan.lift:.0%} over {plan.baseline:.0%}."
        )
    for line in lines:
        answers.print(line, markup=False, soft_wrap=True)
