"""The standard words of shops (Segment's e-commerce and mobile specs), and what else they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# standard word → spellings of it elsewhere (GA4, Meta, TikTok, Shopify, WooCommerce, CleverTap …),
# compared by their letters and digits alone
_ELSEWHERE: Mapping[str, str] = {
    "Page Viewed": "pageview pageviewed viewpage screenpageview",
    "Products Searched": "search searched searchsubmitted searchresultsviewed viewsearchresults "
    "productsearch sitesearch",
    "Product List Viewed": "viewitemlist collectionviewed categoryviewed viewcategory viewedcategory "
    "listviewed productlistview viewlist plpview",
    "Product List Filtered": "filter filterapplied productsfiltered",
    "Promotion Viewed": "viewpromotion promoview promotionimpression",
    "Promotion Clicked": "selectpromotion promoclick promotionclick",
    "Product Clicked": "selectitem productclick itemclicked clickproduct selectproduct",
    "Product Viewed": "viewitem viewcontent productview viewproduct viewedproduct productdetailviewed "
    "productdetailsviewed productpageviewed productpageview itemviewed itemview viewedanitem detail pdpview",
    "Product Added": "addtocart addedtocart productaddedtocart itemaddedtocart additemtocart cartadd addcart "
    "itemadded addtobasket addedtobasket addtobag addedtobag atc cartitemadded",
    "Product Removed": "removefromcart removedfromcart productremovedfromcart itemremoved removefrombasket "
    "removefrombag cartremove cartitemremoved",
    "Cart Viewed": "viewcart cartview viewedcart basketviewed viewbasket viewbag bagviewed cartopened",
    "Checkout Started": "begincheckout initiatecheckout initiatedcheckout checkoutstart startcheckout "
    "startedcheckout checkoutbegan checkoutbegin checkoutinitiated checkout proceedtocheckout",
    "Checkout Step Viewed": "checkoutstep checkoutprogress viewcheckoutstep",
    "Checkout Step Completed": "addshippinginfo checkoutshippinginfosubmitted checkoutaddressinfosubmitted "
    "checkoutcontactinfosubmitted shippinginfoentered setcheckoutoption",
    "Payment Info Entered": "addpaymentinfo paymentinfosubmitted paymentinfoadded addbillinginfo",
    "Order Completed": "purchase purchased orderplaced placedorder placeorder placeanorder ordercomplete "
    "completeorder completedorder checkoutsuccess checkoutcompleted checkoutcomplete completecheckout "
    "transaction transactioncompleted ecommercepurchase completepayment completepurchase orderconfirmed "
    "orderconfirmation ordersuccess orderpaid orderspaid orderscreate ordercreated ordersubmitted "
    "paymentsuccess paymentsucceeded productpurchased purchasecompleted charged bought thankyou",
    "Order Updated": "ordersupdated updateorder",
    "Order Refunded": "refund refunded refundissued refundscreate refundcreated orderrefund paymentrefunded",
    "Order Cancelled": "ordercanceled cancelorder canceledorder cancelledorder orderscancelled ordercancel",
    "Coupon Entered": "entercoupon couponcodeentered",
    "Coupon Applied": "applycoupon couponredeemed discountapplied promocodeapplied vouchersapplied "
    "voucherapplied",
    "Coupon Denied": "couponrejected couponinvalid couponfailed",
    "Coupon Removed": "removecoupon",
    "Product Added to Wishlist": "addtowishlist addedtowishlist wishlistadd wishlistitemadded favorited "
    "productfavorited addtofavorites",
    "Product Removed from Wishlist": "removefromwishlist wishlistremove removefromfavorites",
    "Wishlist Product Added to Cart": "wishlisttocart",
    "Product Shared": "share shareproduct",
    "Cart Shared": "sharecart",
    "Product Reviewed": "reviewsubmitted productreview writereview reviewadded",
    "Application Installed": "firstopen appinstall appinstalled install",
    "Application Opened": "appopen appopened applaunched",
    "Application Updated": "appupdate appupdated",
    "Application Uninstalled": "appremove appuninstall appuninstalled uninstall",
    "Push Notification Received": "notificationreceive pushreceived",
    "Push Notification Tapped": "notificationopen pushopened pushclicked notificationclicked",
    "Email Opened": "openedemail emailopen",
    "Email Link Clicked": "clickedemail emailclick emailclicked",
    "Unsubscribed": "unsubscribe emailunsubscribed",
}
STANDARD = tuple(_ELSEWHERE)
_PLAIN = re.compile(r"[^a-z0-9]+")
_BY_FORM = {
    form: word
    for word, forms in _ELSEWHERE.items()
    for form in (_PLAIN.sub("", word.lower()), *forms.split())
}
_SHOPPING = re.compile(
    r"cart|basket|checkout|(?<![a-z])order|purchas|product|refund|wishlist|coupon|voucher", re.I
)
# standard property → what it is called elsewhere, compared in the same way
_PROPERTIES: Mapping[str, str] = {
    "order_id": "transactionid orderid ordernumber orderno ordernr orderreference purchaseid chargedid",
    "products": "items lineitems contents cartitems orderitems productlist ecommerceitems ecommerceproducts",
    "product_id": "itemid productid contentid goodsid articleid",
    "sku": "itemsku variantsku productsku",
    "name": "itemname productname contentname title",
    "category": "itemcategory productcategory contentcategory producttype",
    "brand": "itembrand productbrand vendor manufacturer",
    "price": "itemprice unitprice productprice",
    "quantity": "qty itemquantity numitems count",
    "total": "totalprice grandtotal ordertotal totalamount amount totalvalue ordervalue ecommercevalue",
    "revenue": "netrevenue purchaserevenue",
    "currency": "currencycode currencyiso ecommercecurrency",
    "coupon": "couponcode discountcode vouchercode promocode",
    "query": "searchterm searchstring searchquery keyword",
}
WORDS = tuple(_PROPERTIES)
_PROPERTY_BY_FORM = {form: word for word, forms in _PROPERTIES.items() for form in forms.split()}


def standard(name: str) -> str | None:
    """The standard word for an event's name; None where none comes to mind.

    >>> standard("add_to_cart"), standard("$pageview"), standard("order completed"), standard("Tea Poured")
    ('Product Added', 'Page Viewed', 'Order Completed', None)
    """
    return _BY_FORM.get(_PLAIN.sub("", name.lower()))


def looks_like_shopping(name: str) -> bool:
    """Whether an event's name speaks of carts, orders or products."""
    return standard(name) is not None or _SHOPPING.search(name) is not None


def property_words(names: Iterable[str]) -> dict[str, str]:
    """The standard names of properties, of those that are called otherwise.

    What stands in the entries of a list or in an object is named with its path.

    >>> property_words(["transaction_id", "items", "items.item_id", "currency", "colour"])
    {'transaction_id': 'order_id', 'items': 'products', 'items.item_id': 'product_id'}
    """
    given = list(names)
    found = {}
    for name in given:
        last = _PLAIN.sub("", name.rpartition(".")[2].lower())
        word = _PROPERTY_BY_FORM.get(_PLAIN.sub("", name.lower())) or _PROPERTY_BY_FORM.get(last)
        if word and word not in given and name != word:
            found[name] = word
    return found
