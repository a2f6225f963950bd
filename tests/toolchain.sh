# For scripts that call cargo; read with `.`, in the folder of the project.
#
# rust-toolchain.toml pins a version, and rustup fetches it where it is missing. Where it cannot be fetched, the
# toolchain `stable` does as well if it is that very version.
toxmail_pinned="$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)"
if command -v rustup >/dev/null && ! rustup toolchain list 2>/dev/null | grep -q "^$toxmail_pinned"; then
    case "$(RUSTUP_TOOLCHAIN=stable rustc --version 2>/dev/null)" in
        "rustc $toxmail_pinned "*) export RUSTUP_TOOLCHAIN=stable ;;
    esac
fi
