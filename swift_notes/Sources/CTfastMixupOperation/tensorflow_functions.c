#define _GNU_SOURCE
#include "tensorflow_functions.h"

#include <dlfcn.h>

static const char *const libraries[] = {"libtensorflow_framework.so.2",
                                        "libtensorflow_cc.so.2"};

/* Only among what is loaded already: nothing is opened that was not. */
static void *find(const char *name) {
  void *function = dlsym(RTLD_DEFAULT, name);
  for (unsigned i = 0; !function && i < sizeof libraries / sizeof *libraries; i++) {
    void *library = dlopen(libraries[i], RTLD_NOW | RTLD_NOLOAD);
    if (library) {
      function = dlsym(library, name);
      dlclose(library); /* gives back this look's own count */
    }
  }
  return function;
}

bool tfast_find_tensorflow(struct TensorFlow *functions) {
  bool complete = true;
#define FIND(result, name, parameters)                               \
  functions->name = (result(*) parameters)find(#name);               \
  complete = complete && functions->name;
  TENSORFLOW_FUNCTIONS(FIND)
#undef FIND
  return complete;
}
