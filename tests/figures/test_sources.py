import pytest

from figures.sources import campaign_of, page_of, referrer_of


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://www.example.com/loans/?a=1#top", "www.example.com/loans"),
        ("https://www.example.com", "www.example.com"),
        ("https://www.example.com/", "www.example.com"),
        ("https://anna:secret@WWW.Example.com:8080/A", "www.example.com:8080/A"),
        ("app://bank/cards", "bank/cards"),
        ("/loans", "/loans"),
        ("https://x.example/reset/anna@example.com/1", "x.example/reset/…/1"),
        ("https://x.example/reset/anna%40example.com", "x.example/reset/…"),
        ("https://x.example/u/6f9619ff-8b86-d011-b42d-00cf4fc964ff", "x.example/u/…"),
        ("https://x.example/orders/12345678", "x.example/orders/…"),
        ("https://x.example/2026/05", "x.example/2026/05"),
        ("https://x.example/a\0b", "x.example/ab"),
        ("https://[broken/", ""),
        ("", ""),
        (f"https://x.example/{'z' * 500}", f"x.example/{'z' * 190}"),
        ("https://x.example/\u0635\u0641\u062d\u0629", "x.example/\u0635\u0641\u062d\u0629"),
    ],
)
def test_pages_are_host_and_path_without_personal_data(url, page):
    assert page_of(url) == page


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.google.com/search?q=a", "www.google.com"),
        ("https://www.example.com/other", ""),
        ("https://WWW.EXAMPLE.COM/other", ""),
        ("nonsense", ""),
        ("https://[broken/", ""),
    ],
)
def test_a_referrer_is_another_website(referrer, host):
    assert referrer_of("https://www.example.com/loans", referrer) == host


@pytest.mark.parametrize(
    ("query", "campaign"),
    [
        ("utm_source=news&utm_campaign=May+sale", "news / May sale"),
        ("utm_source=news", "news"),
        ("utm_campaign=May", ""),
        ("utm_source=&utm_campaign=May", ""),
        ("utm_source=anna@example.com", "…"),
        ("utm_source=a%00b", "ab"),
        ("utm_source=a+/+b&utm_campaign=c", "a b / c"),
        ("&".join(["utm_source=a"] * 200), ""),
    ],
)
def test_a_campaign_is_its_source_and_name(query, campaign):
    assert campaign_of(f"https://www.example.com/?{query}") == campaign
