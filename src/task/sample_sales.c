#include "task/sample_single.h"

struct model {
    const char *brand, *name, *year;
    uint32_t price;
    const char *ram, *storage;
};

static const struct model models[] = {
    {"Apple", "iPhone 15", "2023", 799, "6", "128"},
    {"Apple", "iPhone 15 Pro Max", "2023", 1199, "8", "256"},
    {"Apple", "iPhone 16", "2024", 799, "8", "128"},
    {"Apple", "iPhone 16 Pro", "2024", 999, "8", "256"},
    {"Apple", "iPhone SE (2025)", "2025", 429, "6", "128"},
    {"Samsung", "Galaxy S25 Ultra", "2025", 1299, "16", "512"},
    {"Samsung", "Galaxy S25+", "2025", 999, "12", "512"},
    {"Samsung", "Galaxy A36", "2025", 349, "6", "128"},
    {"Samsung", "Galaxy Z Fold6", "2024", 1899, "12", "512"},
    {"Samsung", "Galaxy Z Flip6", "2024", 1099, "12", "256"},
    {"Google", "Pixel 8 Pro", "2023", 999, "12", "256"},
    {"Google", "Pixel 10 Pro XL", "2025", 1199, "16", "256"},
    {"Xiaomi", "14 Ultra", "2024", 999, "16", "512"},
    {"Xiaomi", "Mix Fold 4", "2024", 1399, "16", "512"},
    {"Xiaomi", "X7 Pro", "2025", 349, "12", "256"},
    {"Oppo", "Reno 13 Pro", "2025", 499, "8", "128"},
    {"Oppo", "Find N2 Flip", "2023", 899, "12", "256"},
    {"Vivo", "X200 Ultra", "2025", 999, "16", "512"},
    {"Realme", "GT 6", "2024", 549, "12", "256"},
    {"Realme", "C65", "2024", 199, "4", "128"},
    {"Honor", "Magic 7 Pro", "2025", 1099, "12", "512"},
    {"Motorola", "Razr Ultra", "2025", 1299, "16", "512"},
    {"Motorola", "G Play 2025", "2025", 199, "4", "64"},
    {"OnePlus", "13", "2025", 899, "12", "256"},
    {"Huawei", "Mate 70 Pro", "2025", 1099, "12", "512"},
    {"Nothing", "Phone (3a)", "2025", 379, "8", "128"},
};
static const char *const regions[] = {"North America", "South America", "Europe", "Asia", "Africa", "Oceania"};
static const char *const colours[] = {"Black", "Blue", "Green", "Silver", "White", "Phantom Black", "Natural Titanium"};

/* The better a sentence's place, the better the review; the second speaks of one feature. */
static const char *const opinions[] = {"Disappointing for the money.", "Gets warm and slows down.",
                                       "Decent but nothing new.",      "Good value phone.",
                                       "Solid everyday phone.",        "Excellent flagship experience."};
static const char *const features[] = {"Battery barely lasts a day.",   "Camera struggles in low light.",
                                       "Display is bright and smooth.", "Fast charging works well.",
                                       "Battery life is outstanding.",  "Camera is \"\"incredible\"\", even at night."};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char *put_cell(char *at, const char *text)
{
    at = put_text(at, text);
    *at++ = ',';
    return at;
}

static char *put_review(char *at, struct random *random)
{
    /* The greater of two draws: most buyers are content. */
    uint64_t one = random_below(random, COUNT(opinions)), two = random_below(random, COUNT(opinions));
    const char *feature = features[random_below(random, COUNT(features))];
    bool quoted = strchr(feature, ',') != NULL;
    if (quoted) *at++ = '"';
    at = put_text(at, opinions[one > two ? one : two]);
    *at++ = ' ';
    at = put_text(at, feature);
    if (quoted) *at++ = '"';
    *at++ = ',';
    return at;
}

static char *sale_put(char *at, const struct sample_part *part, uint64_t number)
{
    const struct sample_world *world = part->world;
    struct random random;
    sample_random(&random, part->options->seed, STREAM_SALE, number);
    const struct model *model = &models[random_below(&random, COUNT(models))];
    at = put_text(at, "ORD");
    at = put_number(at, 999 + number);
    *at++ = ',';
    at = put_bytes(at, world->dates[world->day_slots[random_below(&random, world->day_slot_count)]], 10);
    *at++ = ',';
    at = put_cell(at, model->name);
    at = put_cell(at, model->brand);
    at = put_cell(at, model->year);
    at = put_number(at, model->price - 50 * random_below(&random, 3));
    *at++ = ',';
    at = put_cell(at, regions[random_below(&random, COUNT(regions))]);
    at = put_review(at, &random);
    at = put_cell(at, random_below(&random, 50) == 0 ? "N/A" : model->ram);
    at = put_cell(at, model->storage);
    at = put_text(at, colours[random_below(&random, COUNT(colours))]);
    *at++ = '\n';
    return at;
}

bool sample_sales_part(struct sample_part *part, struct error *error)
{
    const struct sample_single sales = {
        "smartphone_sales", "order_id,date,model,brand,release_year,price,region,customer_review,ram,storage,color\n",
        sale_put, &dirt_sales};
    return sample_single_part(part, &sales, error);
}
