"""The country codes a proxy can be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

_LISTED = """
    af al dz ad ao as ag ar am aw au at az bs bh bb by be bz bj bm bo ba br bg bf cm ca cv td cl co cg cr ci hr cu
    cy cz dk dm do ec eg sv ee et fo fi fr gf pf ga gm ge de gh gi gr gd gp gt gg gn gw gy ht hn hu is in ir iq ie
    il it jm jp jo kz kw kg lv lb ly li lt lu mk ml mt mq mr mx md mc me ma nl nz ni ng no pk pa py pe ph pl pt pr
    qa ro lc sm sa sn rs sc sl sk si so za kr es sr se ch sy st tw tj tg tt tn tr tc ua ae us uy uz ve ye
"""
COUNTRY_CODES = tuple(_LISTED.split())


def _known(code: str) -> str:
    if code not in COUNTRY_CODES:
        raise ValueError("a country code in small letters that the proxy supports is expected")
    return code


CountryCode = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(COUNTRY_CODES)})]
