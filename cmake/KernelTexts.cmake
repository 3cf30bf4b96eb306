# The GPU kernels are compiled as C++ and handed to Metal and CUDA as text: this writes the same files into
# gpu/texts.hpp as string constants.

set(_kernel_folder ${CMAKE_CURRENT_SOURCE_DIR}/csrc/gpu/kernels)
set(_kernel_headers prelude tables double_single exponentials tails european implied_vol)
set(_kernel_bodies price_single price_double_single greeks_single greeks_double_single
    implied_vol_single implied_vol_double_single)

function(atalanta_write_kernel_texts folder)
  set(_text "// Made by cmake/KernelTexts.cmake from csrc/gpu/kernels.\n#pragma once\n\n#include <string_view>\n\n")
  string(APPEND _text "namespace atalanta::gpu::text {\n\ninline constexpr std::string_view header =")
  foreach(_name IN LISTS _kernel_headers)
    atalanta_append_text(_text ${_kernel_folder}/${_name}.h)
  endforeach()
  string(APPEND _text ";\n")
  foreach(_name IN LISTS _kernel_bodies)
    string(APPEND _text "\ninline constexpr std::string_view ${_name} =")
    atalanta_append_text(_text ${_kernel_folder}/bodies/${_name}.h)
    string(APPEND _text ";\n")
  endforeach()
  string(APPEND _text "\n}  // namespace atalanta::gpu::text\n")
  file(CONFIGURE OUTPUT ${folder}/gpu/texts.hpp CONTENT "${_text}" @ONLY)
endfunction()

# Adds a file as a raw string; the build is configured again when the file changes.
macro(atalanta_append_text text file)
  file(READ ${file} _content)
  string(APPEND ${text} "\n    R\"kernel(${_content})kernel\"")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endmacro()

atalanta_write_kernel_texts(${CMAKE_CURRENT_BINARY_DIR}/generated)
