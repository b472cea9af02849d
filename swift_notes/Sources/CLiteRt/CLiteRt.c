#include "CLiteRt.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(LiteRtTensorType) == 72, "as LiteRtRankedTensorType");
_Static_assert(offsetof(LiteRtTensorType, dimensions) == 8, "as LiteRtRankedTensorType");
_Static_assert(sizeof(LiteRtEnvironmentOption) == 24, "as LiteRtEnvOption");

// Tags and values of options.
enum { AUTO_REGISTER_ACCELERATORS = 24, MIN_LOGGER_SEVERITY = 25 };
enum { INTEGER = 2, PROCESSOR = 1, SILENT = 4 };

const char *tfast_find_litert(void *library, LiteRt *found) {
  const struct {
    const char *name;
    void *address;
  } functions[] = {
#define FUNCTION(name) {"LiteRt" #name, &found->name}
      FUNCTION(CreateEnvironment),
      FUNCTION(CreateModelFromFile),
      FUNCTION(DestroyModel),
      FUNCTION(GetNumModelSignatures),
      FUNCTION(GetModelSignature),
      FUNCTION(GetSignatureKey),
      FUNCTION(GetNumSignatureInputs),
      FUNCTION(GetNumSignatureOutputs),
      FUNCTION(GetSignatureInputName),
      FUNCTION(GetSignatureOutputName),
      FUNCTION(GetSignatureInputTensorByIndex),
      FUNCTION(GetSignatureOutputTensorByIndex),
      FUNCTION(GetRankedTensorType),
      FUNCTION(CreateOptions),
      FUNCTION(DestroyOptions),
      FUNCTION(SetOptionsHardwareAccelerators),
      FUNCTION(CreateOpaqueOptions),
      FUNCTION(AddOpaqueOptions),
      FUNCTION(CreateCompiledModel),
      FUNCTION(DestroyCompiledModel),
      FUNCTION(CompiledModelResizeInputTensor),
      FUNCTION(CreateManagedTensorBuffer),
      FUNCTION(DestroyTensorBuffer),
      FUNCTION(LockTensorBuffer),
      FUNCTION(UnlockTensorBuffer),
      FUNCTION(RunCompiledModel),
      FUNCTION(CompiledModelGetErrorMessages),
      FUNCTION(CompiledModelClearErrors),
      FUNCTION(RunCompiledModelWithOptions),
#undef FUNCTION
  };
  const size_t count = sizeof functions / sizeof *functions;
  _Static_assert(sizeof functions / sizeof *functions == sizeof(LiteRt) / sizeof(void *),
                 "each function is listed");
  for (size_t i = 0; i < count; i++) {
    void *function = dlsym(library, functions[i].name);
    if (!function) return functions[i].name;
    *(void **)functions[i].address = function;
  }
  return NULL;
}

LiteRtStatus tfast_litert_environment(const LiteRt *litert, LiteRtEnvironment *environment) {
  const LiteRtEnvironmentOption options[] = {
      {AUTO_REGISTER_ACCELERATORS, {INTEGER, PROCESSOR}},
      {MIN_LOGGER_SEVERITY, {INTEGER, SILENT}},
  };
  return litert->CreateEnvironment(2, options, environment);
}

// Adds a part whose content is TOML.
static LiteRtStatus add_options(const LiteRt *litert, LiteRtOptions options,
                                const char *identifier, const char *content) {
  char *copy = strdup(content);
  if (!copy) return -1;
  LiteRtOpaqueOptions added = NULL;
  LiteRtStatus status = litert->CreateOpaqueOptions(identifier, copy, free, &added);
  if (status) {
    free(copy);
    return status;
  }
  return litert->AddOpaqueOptions(options, added);
}

LiteRtStatus tfast_litert_options(const LiteRt *litert, int threads, LiteRtOptions *options) {
  LiteRtStatus status = litert->CreateOptions(options);
  if (status) return status;
  status = litert->SetOptionsHardwareAccelerators(*options, PROCESSOR);
  if (!status)
    status = add_options(litert, *options, "runtime_options_string", "error_reporter_mode = 2\n");
  if (!status && threads > 0) {
    char content[40];
    snprintf(content, sizeof content, "num_threads = %d\n", threads);
    status = add_options(litert, *options, "xnnpack", content);
  }
  if (status) {
    litert->DestroyOptions(*options);
    *options = NULL;
  }
  return status;
}

unsigned int tfast_litert_rank(const LiteRtTensorType *type) { return type->rank; }

int tfast_litert_dimension(const LiteRtTensorType *type, unsigned int number) {
  return number < type->rank ? type->dimensions[number] : 0;
}

LiteRtTensorType tfast_litert_type(int element_type, const int *shape, size_t rank) {
  LiteRtTensorType type = {.element_type = element_type, .rank = (unsigned int)rank};
  for (size_t i = 0; i < rank; i++) type.dimensions[i] = shape[i];
  return type;
}
