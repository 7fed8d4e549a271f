#include "table/tables.h"

bool tables_call(struct tables *tables, const char *operation, struct str request, struct buffer *response,
                 struct error *error)
{
    return tables->verbs->call(tables, operation, request, response, error);
}

void tables_free(struct tables *tables)
{
    if (tables != NULL) {
        tables->verbs->free(tables);
    }
}
