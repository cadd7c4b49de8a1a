"""Known hosts that send visitors: search, social, mail, assistants and shopping."""

from __future__ import annotations

import re
from collections.abc import Mapping

ORGANIC, SOCIAL, EMAIL, ASSISTANT, SHOPPING, REFERRAL = (
    "organic",
    "social",
    "email",
    "assistant",
    "shopping",
    "referral",
)
UNPAID = (ORGANIC, SOCIAL, ASSISTANT, SHOPPING, REFERRAL)  # media that a link of anybody has: no campaign

_FAMILIES = {  # engines with a host in many countries: label before the national ending → keys of the words
    "google": "q",
    "bing": "q",
    "yahoo": "p q",
    "yandex": "text",
    "duckduckgo": "q",
    "ecosia": "q",
    "qwant": "q",
    "startpage": "query q",
    "baidu": "wd word",
    "naver": "query",
    "seznam": "q",
    "brave": "q",
}
_ENGINES = re.compile(
    r"^(?:www\.|search\.|r\.|m\.|cn\.|ya\.|[a-z]{2}\.)*"
    rf"({'|'.join(_FAMILIES)})\.[a-z]{{2,4}}(?:\.[a-z]{{2}})?$"
)


def _hosts(medium: str, table: str) -> dict[str, tuple[str, str]]:
    """Lines of `source host host …` as host → (source, medium)."""
    lines = (line.split() for line in table.strip().splitlines())
    return {host: (name, medium) for name, *hosts in lines for host in hosts}


_KNOWN: Mapping[str, tuple[str, str]] = {
    **_hosts(
        ORGANIC,
        """
        google googlequicksearchbox.com
        bing cc.bingj.com
        yandex ya.ru
        aol search.aol.com
        ask ask.com
        dogpile dogpile.com
        daum search.daum.net
        goo search.goo.ne.jp
        kagi kagi.com
        lycos lycos.com
        metager metager.de metager.org
        mojeek mojeek.com
        presearch presearch.com presearch.org
        rambler nova.rambler.ru
        so.com so.com
        sogou sogou.com
        shenma sm.cn
        swisscows swisscows.com
        t-online suche.t-online.de
        virgilio ricerca.virgilio.it
        webde suche.web.de
        gmx suche.gmx.net
        coccoc coccoc.com
        you you.com
        """,
    ),
    **_hosts(
        SOCIAL,
        """
        facebook facebook.com fb.com fb.me messenger.com
        instagram instagram.com
        tiktok tiktok.com
        pinterest pinterest.com pin.it pinterest.de pinterest.fr pinterest.es pinterest.it pinterest.co.uk
        twitter t.co twitter.com x.com
        linkedin linkedin.com lnkd.in
        reddit reddit.com redd.it
        youtube youtube.com youtu.be
        snapchat snapchat.com
        vk vk.com vk.ru
        telegram t.me telegram.org
        whatsapp whatsapp.com wa.me
        threads threads.net threads.com
        bluesky bsky.app
        mastodon mastodon.social mastodon.online mstdn.social
        tumblr tumblr.com
        quora quora.com
        discord discord.com discordapp.com
        twitch twitch.tv
        vimeo vimeo.com
        weibo weibo.com weibo.cn
        wechat weixin.qq.com wechat.com
        qq qzone.qq.com
        xiaohongshu xiaohongshu.com xhslink.com
        line line.me
        kakao kakao.com
        odnoklassniki ok.ru
        xing xing.com
        medium medium.com
        flipboard flipboard.com
        hackernews news.ycombinator.com
        nextdoor nextdoor.com nextdoor.de
        slack slack.com
        linktree linktr.ee
        """,
    ),
    **_hosts(
        EMAIL,
        """
        gmail mail.google.com
        outlook outlook.live.com outlook.com outlook.office.com outlook.office365.com mail.live.com
        yahoo mail.yahoo.com mail.yahoo.co.jp
        aol mail.aol.com
        icloud mail.icloud.com
        proton mail.proton.me mail.protonmail.com
        gmx mail.gmx.net mail.gmx.com navigator.gmx.net deref-gmx.net
        webde mail.web.de navigator.web.de deref-web.de
        t-online email.t-online.de
        yandex mail.yandex.ru mail.yandex.com
        mailru e.mail.ru
        zoho mail.zoho.com mail.zoho.eu
        fastmail app.fastmail.com
        orange messagerie.orange.fr
        libero mail.libero.it
        naver mail.naver.com
        qq mail.qq.com
        netease mail.163.com mail.126.com
        seznam email.seznam.cz
        wp poczta.wp.pl
        onet poczta.onet.pl
        """,
    ),
    **_hosts(
        ASSISTANT,
        """
        chatgpt chatgpt.com chat.openai.com
        claude claude.ai
        gemini gemini.google.com bard.google.com
        copilot copilot.microsoft.com copilot.cloud.microsoft
        perplexity perplexity.ai
        meta-ai meta.ai
        grok grok.com
        deepseek deepseek.com chat.deepseek.com
        mistral chat.mistral.ai
        poe poe.com
        phind phind.com
        kimi kimi.com kimi.moonshot.cn
        doubao doubao.com
        qwen chat.qwen.ai tongyi.aliyun.com
        """,
    ),
    **_hosts(
        SHOPPING,
        """
        google shopping.google.com
        amazon amazon.com amazon.de amazon.co.uk amazon.fr amazon.it amazon.es amazon.ca amazon.co.jp
        amazon amazon.in amazon.nl amazon.pl amazon.se amazon.com.au amazon.com.br
        ebay ebay.com ebay.de ebay.co.uk ebay.fr ebay.it ebay.es ebay.ca ebay.com.au
        etsy etsy.com
        idealo idealo.de idealo.at idealo.fr idealo.it idealo.es idealo.co.uk
        geizhals geizhals.de geizhals.at
        billiger billiger.de
        check24 check24.de
        preisvergleich preis.de preisvergleich.de
        pricerunner pricerunner.com pricerunner.se pricerunner.dk
        pricespy pricespy.co.uk pricespy.co.nz
        kelkoo kelkoo.com kelkoo.co.uk kelkoo.fr kelkoo.de
        heureka heureka.cz heureka.sk
        ceneo ceneo.pl
        leguide leguide.com
        shopzilla shopzilla.com
        shopping shopping.com
        klarna app.klarna.com
        honey joinhoney.com
        slickdeals slickdeals.net
        mydealz mydealz.de
        hotukdeals hotukdeals.com
        aliexpress aliexpress.com
        walmart walmart.com
        rakuten rakuten.com rakuten.co.jp
        kakaku kakaku.com
        shop-app shop.app
        """,
    ),
}
_APPS = {
    "com.google.android.googlequicksearchbox": ("google", ORGANIC),
    "com.google.android.gm": ("gmail", EMAIL),
    "com.google.android.youtube": ("youtube", SOCIAL),
    "com.microsoft.office.outlook": ("outlook", EMAIL),
    "com.yahoo.mobile.client.android.mail": ("yahoo", EMAIL),
    "com.instagram.android": ("instagram", SOCIAL),
    "com.instagram.barcelona": ("threads", SOCIAL),
    "com.facebook.katana": ("facebook", SOCIAL),
    "com.facebook.orca": ("facebook", SOCIAL),
    "com.twitter.android": ("twitter", SOCIAL),
    "com.zhiliaoapp.musically": ("tiktok", SOCIAL),
    "com.pinterest": ("pinterest", SOCIAL),
    "com.linkedin.android": ("linkedin", SOCIAL),
    "com.reddit.frontpage": ("reddit", SOCIAL),
    "com.snapchat.android": ("snapchat", SOCIAL),
    "com.whatsapp": ("whatsapp", SOCIAL),
    "org.telegram.messenger": ("telegram", SOCIAL),
    "com.slack": ("slack", SOCIAL),
    "com.openai.chatgpt": ("chatgpt", ASSISTANT),
}
# On the way back from paying, a visit does not begin anew, and these have not brought it.
_PAYMENT = frozenset(
    "paypal.com checkout.stripe.com hooks.stripe.com pay.google.com pay.amazon.com payments.amazon.com "
    "klarna.com adyen.com mollie.com sofort.com pay.klarna.com checkout.shopify.com 3dsecure.io "
    "worldpay.com braintreegateway.com afterpay.com clearpay.co.uk pay.shopify.com ideal.nl".split()
)


_SECOND = frozenset("ac co com edu go gob gov gv ltd me ne net nom or org plc sch".split())
_SHARED = frozenset(  # hosts that give each customer a name of its own
    "myshopify.com wordpress.com wixsite.com blogspot.com tumblr.com substack.com medium.com weebly.com "
    "squarespace.com webflow.io jimdosite.com shopware.store bigcartel.com github.io gitlab.io netlify.app "
    "vercel.app pages.dev workers.dev web.app firebaseapp.com herokuapp.com fly.dev onrender.com "
    "azurewebsites.net cloudfront.net amazonaws.com ngrok.io ngrok-free.app".split()
)


def sender(host: str) -> tuple[str, str] | None:
    """Source and medium of a visit that comes from a page of `host` (lower case, without `www.`).

    None for the pages of payment services. An unknown host is its own source.

    >>> sender("l.instagram.com"), sender("google.co.uk"), sender("blog.example")
    (('instagram', 'social'), ('google', 'organic'), ('blog.example', 'referral'))
    """
    ends = [host]  # the host and what it is part of
    while host.count(".") > 1:
        host = host.split(".", 1)[1]
        ends.append(host)
    for end in ends:
        if end in _KNOWN:
            return _KNOWN[end]
        if end in _PAYMENT:
            return None
    engine = _ENGINES.match(ends[0])
    return (engine[1], ORGANIC) if engine else (ends[0], REFERRAL)


def site(host: str) -> str:
    """The domain that somebody registered, which a host and its neighbours share: a shop and its blog.

    A small rule instead of the list of all public suffixes: the last two names; three where the last is a
    country and the one before a word that registries use, or where many shops share the last two.

    >>> site("blog.shop.example"), site("www.shop.co.uk"), site("a.myshopify.com"), site("10.0.0.1")
    ('shop.example', 'shop.co.uk', 'a.myshopify.com', '10.0.0.1')
    """
    names = host.split(".")
    if names[-1].isdigit() or ":" in host:  # an address
        return host
    national = len(names[-1]) == 2 and names[-2:-1] and names[-2] in _SECOND
    many = national or ".".join(names[-2:]) in _SHARED
    return ".".join(names[-3:] if many else names[-2:])


def app_sender(package: str) -> tuple[str, str]:
    """Source and medium of a visit that an Android app sends; an unknown app is its own source."""
    return _APPS.get(package, (package, REFERRAL))


def word_keys(source: str) -> tuple[str, ...]:
    """The names under which the addresses of a search engine hold what was searched for."""
    return tuple(_FAMILIES.get(source, "q query").split())
