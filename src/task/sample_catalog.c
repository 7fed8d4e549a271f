#include "task/sample_single.h"

struct thing {
    const char *name, *department, *path[3];
    const char *features[3];
    uint32_t price_cents;
};

static const struct thing things[] = {
    {"Desk lamp",
     "Home",
     {"Home & Kitchen", "Lighting", "Desk Lamps"},
     {"Five levels of brightness", "Turns 90 degrees", "USB-C, 10 W"},
     3499},
    {"Running jacket",
     "Fashion",
     {"Clothing", "Men", "Jackets"},
     {"Wind and water resistant", "Reflective strips", "Packs into its own pocket"},
     5900},
    {"Wireless earbuds",
     "Electronics",
     {"Electronics", "Audio", "Headphones"},
     {"Noise cancelling", "30 hours with the case", "IPX5"},
     7999},
    {"Chef's knife, 20 cm",
     "Home",
     {"Home & Kitchen", "Kitchen", "Knives"},
     {"German steel", "Full tang", "Dishwasher \"safe\""},
     4250},
    {"Wooden train set",
     "Toys",
     {"Toys & Games", "Vehicles", "Trains"},
     {"52 pieces", "Beech wood", "From 3 years"},
     3995},
    {"Yoga mat",
     "Sports",
     {"Sports & Outdoors", "Fitness", "Mats"},
     {"6 mm thick", "Does not slip", "With a strap"},
     2490},
    {"Café-style mug, set of 4", "Home", {"Home & Kitchen", "Dining", "Mugs"}, {"Stoneware", "350 ml", "Stacks"}, 2999},
    {"Mechanical keyboard",
     "Electronics",
     {"Electronics", "Computers", "Keyboards"},
     {"Hot-swappable", "75 % layout", "Wired and wireless"},
     9900},
    {"Dog bed", "Pets", {"Pet Supplies", "Dogs", "Beds"}, {"Washable cover", "Memory foam", "90 × 60 cm"}, 4599},
    {"Face cream", "Beauty", {"Beauty", "Skin Care", "Face"}, {"Without perfume", "SPF 30", "50 ml"}, 1890},
};
static const char *const brands[] = {"Alder", "Brightwater", "Corvo", "Dunmore", "Fennel & Co", "Kestrel", "Lumen"};
static const char *const colours[] = {"Black", "Blue", "Green", "Grey", "Red", "White"};
static const char *const uses[] = {"for home and travel", "for every day", "for gifts", "for small rooms",
                                   "made to last"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char header[] =
    "title,description,brand,categories,features,department,manufacturer,product_details,variations,rating,"
    "reviews_count,availability,discount,final_price,currency,asin,url,image_url,seller_name,timestamp,"
    "bought_past_month,is_available\n";

/* A cell in quotes whose own quotes are doubled. */
static char *put_quoted(char *at, const char *text)
{
    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"') *at++ = '"';
        *at++ = *text;
    }
    *at++ = '"';
    *at++ = ',';
    return at;
}

/* A JSON list of texts as a CSV cell: [""a"", ""b""], quotes in a text escaped for JSON, then doubled for CSV. */
static char *put_list(char *at, const char *const texts[3])
{
    at = put_text(at, "\"[");
    for (int i = 0; i < 3; i++) {
        at = put_text(at, i > 0 ? ",\"\"" : "\"\"");
        for (const char *c = texts[i]; *c != '\0'; c++) {
            if (*c == '"') at = put_text(at, "\\\"");
            *at++ = *c;
        }
        at = put_text(at, "\"\"");
    }
    return put_text(at, "]\",");
}

static void asin_make(char asin[11], uint64_t number)
{
    static const char digits[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    memcpy(asin, "B000000000", 11);
    for (int i = 9; i > 1 && number > 0; i--) {
        asin[i] = digits[number % (sizeof digits - 1)];
        number /= sizeof digits - 1;
    }
}

static char *put_product_texts(char *at, const struct thing *thing, const char *brand, struct random *random)
{
    const char *colour = colours[random_below(random, COUNT(colours))];
    char title[200];
    char *end = put_text(title, brand);
    *end++ = ' ';
    end = put_text(end, thing->name);
    end = put_text(end, ", ");
    end = put_text(end, colour);
    *end = '\0';
    at = put_quoted(at, title);
    if (random_below(random, 20) == 0) {
        at = put_text(at, "null,");
    } else {
        *at++ = '"';
        at = put_text(at, thing->features[random_below(random, 2)]);
        at = put_text(at, ", ");
        at = put_text(at, uses[random_below(random, COUNT(uses))]);
        at = put_text(at, ".\",");
    }
    at = put_text(at, brand);
    *at++ = ',';
    at = put_list(at, thing->path);
    at = put_list(at, thing->features);
    at = put_text(at, thing->department);
    *at++ = ',';
    at = put_text(at, brand);
    at = put_text(at, ",\"[{\"\"type\"\":\"\"Color\"\",\"\"value\"\":\"\"");
    at = put_text(at, colour);
    return put_text(at, "\"\"}]\",[],");
}

static char *put_product_facts(char *at, const struct thing *thing, struct random *random)
{
    uint64_t tenths = 30 + random_below(random, 21);
    uint64_t reviews = random_below(random, 3) == 0 ? random_below(random, 90) : random_below(random, 5000);
    bool available = random_below(random, 8) != 0;
    static const char *const discounts[] = {"null", "null", "-10%", "-25%", "-50%"};
    at = put_number(at, tenths / 10);
    *at++ = '.';
    at = put_number(at, tenths % 10);
    *at++ = ',';
    at = put_number(at, reviews);
    at = put_text(at, available ? ",In Stock," : ",Currently unavailable,");
    at = put_text(at, discounts[random_below(random, COUNT(discounts))]);
    *at++ = ',';
    at = put_cents(at, (uint64_t)thing->price_cents * (80 + random_below(random, 41)) / 100);
    at = put_text(at, ",USD,");
    return at;
}

static char *product_put(char *at, const struct sample_part *part, uint64_t number)
{
    const struct sample_world *world = part->world;
    struct random random;
    sample_random(&random, part->options->seed, STREAM_CATALOG, number);
    const struct thing *thing = &things[random_below(&random, COUNT(things))];
    const char *brand = brands[random_below(&random, COUNT(brands))];
    char asin[11];
    asin_make(asin, number);
    at = put_product_texts(at, thing, brand, &random);
    at = put_product_facts(at, thing, &random);
    at = put_text(at, asin);
    at = put_text(at, ",https://shop.example/dp/");
    at = put_text(at, asin);
    at = put_text(at, ",https://shop.example/images/");
    at = put_text(at, asin);
    at = put_text(at, ".jpg,");
    at = put_text(at, brand);
    at = put_text(at, " Store,");
    at = put_timestamp(at, world, world->day_slots[random_below(&random, world->day_slot_count)] * UINT64_C(86400));
    *at++ = ',';
    at = put_number(at, random_below(&random, 40) * 50);
    return put_text(at, random_below(&random, 8) != 0 ? ",true\n" : ",false\n");
}

bool sample_catalog_part(struct sample_part *part, struct error *error)
{
    const struct sample_single catalog = {"amazon_products", header, product_put, &dirt_catalog};
    return sample_single_part(part, &catalog, error);
}
