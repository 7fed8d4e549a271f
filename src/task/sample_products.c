#include "task/sample_dirt.h"

struct category {
    const char *name, *department;
    uint32_t least_cents, span_cents;
};

static const struct category categories[] = {
    {"Beauty", "Personal Care", 499, 8500}, {"Books", "Media", 599, 4400},      {"Clothing", "Fashion", 999, 14000},
    {"Electronics", "Tech", 1499, 69000},   {"Garden", "Outdoors", 799, 24000}, {"Grocery", "Food", 99, 2900},
    {"Home & Kitchen", "Home", 899, 29000}, {"Office", "Work", 299, 19000},     {"Pet Supplies", "Home", 399, 8900},
    {"Sports", "Outdoors", 999, 34000},     {"Toys", "Kids", 699, 11000},
};
#define CATEGORY_COUNT (sizeof(categories) / sizeof(categories[0]))

static const char *const brands[] = {"Alder",    "Brightwater", "Corvo",   "Dunmore", "Eastfold", "Fennel & Co",
                                     "Greyline", "Hollis",      "Inkwell", "Juniper", "Kestrel",  "Lumen"};
static const char *const first_words[] = {"Compact",  "Durable", "Everyday",   "Folding", "Organic",
                                          "Portable", "Quiet",   "Recycled",   "Slim",    "Soft",
                                          "Sturdy",   "Vintage", "Waterproof", "Wireless"};
static const char *const second_words[] = {"aluminium", "bamboo", "ceramic", "cotton", "glass", "leather",
                                           "linen",     "oak",    "paper",   "steel",  "wool"};
static const char *const third_words[] = {"bottle", "box",    "brush",   "case",  "chair", "charger",
                                          "guide",  "jacket", "kit",     "lamp",  "mat",   "organiser",
                                          "pack",   "set",    "speaker", "stand", "tray"};
#define PICK(array, random) (array)[random_below(random, sizeof(array) / sizeof((array)[0]))]

static const char *const header[] = {
    "id,sku,cost,category,name,brand,retail_price,department\n",
    "product_id,name,category,price\n",
};

uint32_t sample_product_price(uint64_t seed, uint64_t product)
{
    struct random random;
    sample_random(&random, seed, STREAM_PRODUCT, product);
    const struct category *category = &PICK(categories, &random);
    /* The least of two: cheap things are more common. */
    uint32_t one = (uint32_t)random_below(&random, category->span_cents);
    uint32_t two = (uint32_t)random_below(&random, category->span_cents);
    return category->least_cents + (one < two ? one : two);
}

static char *put_name(char *at, struct random *random)
{
    at = put_text(at, PICK(first_words, random));
    *at++ = ' ';
    at = put_text(at, PICK(second_words, random));
    *at++ = ' ';
    return put_text(at, PICK(third_words, random));
}

static char *put_sku(char *at, struct random *random)
{
    for (int i = 0; i < 3; i++) *at++ = (char)('A' + random_below(random, 26));
    *at++ = '-';
    return put_number(at, 10000000 + random_below(random, 90000000));
}

static char *product_put(char *at, const struct sample_part *part, uint64_t product)
{
    struct random random;
    sample_random(&random, part->options->seed, STREAM_PRODUCT, product);
    const struct category *category = &PICK(categories, &random);
    uint32_t cents = part->world->price_cents[product - 1];
    if (part->options->family == SAMPLE_QUANTITY) {
        *at++ = 'P';
        at = put_number(at, 1000 + product);
        *at++ = ',';
        at = put_name(at, &random);
        *at++ = ',';
        at = put_text(at, category->name);
        *at++ = ',';
        at = put_cents(at, cents);
        *at++ = '\n';
        return at;
    }
    at = put_number(at, product);
    *at++ = ',';
    at = put_sku(at, &random);
    *at++ = ',';
    at = put_cents(at, (uint64_t)cents * (35 + random_below(&random, 40)) / 100);
    *at++ = ',';
    at = put_text(at, category->name);
    *at++ = ',';
    at = put_name(at, &random);
    *at++ = ',';
    if (random_below(&random, 100) != 0) /* one in a hundred has no brand */
        at = put_text(at, PICK(brands, &random));
    *at++ = ',';
    at = put_cents(at, cents);
    *at++ = ',';
    at = put_text(at, category->department);
    *at++ = '\n';
    return at;
}

static bool products_make(struct sample_part *part, struct sample_file *file, struct buffer *later, struct error *error)
{
    enum sample_family family = part->options->family;
    struct sample_dataset *counts = &part->counts[2];
    struct random dirt;
    sample_random(&dirt, part->options->seed, STREAM_DIRT, UINT32_MAX);
    for (uint64_t product = 1; product <= part->world->products; product++) {
        char *row = sample_file_row(file, error);
        if (row == NULL) return false;
        char *end = product_put(row, part, product);
        end = dirt_apply(&dirt_products[family], part->options->dirty, &dirt, true, row, end, later, counts);
        sample_file_keep(file, end);
        counts->rows++;
    }
    return buffer_check(later, error) && sample_file_append(file, later->data, later->length, error);
}

bool sample_products_part(struct sample_part *part, struct error *error)
{
    struct sample_file file = {.fd = -1};
    struct buffer later, path;
    buffer_init(&later, 0);
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/products/products.csv", part->options->folder);
    bool made = buffer_check(&path, error) &&
                sample_file_open(&file, part, buffer_text(&path), header[part->options->family], error) &&
                products_make(part, &file, &later, error) && sample_file_close(&file, error);
    part->counts[2].bytes = file.written;
    sample_file_abandon(&file);
    buffer_free(&later);
    buffer_free(&path);
    return made;
}
