/** Two packages in their first version, and the second of each in an archive: one of Debian's security archive, one of Debian itself. */
export const PROBES = `
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
build() { # PACKAGE VERSION FOLDER
  mkdir -p "/var/tmp/build/DEBIAN" "$3"
  printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: lab <lab@lab.invalid>\\nDescription: probe\\n' "$1" "$2" >/var/tmp/build/DEBIAN/control
  dpkg-deb --build /var/tmp/build "$3/$1_$2.deb" >/dev/null
}
archive() { # PACKAGE LABEL CODENAME
  local folder=/var/tmp/$1
  build "$1" 1 /var/tmp/first
  build "$1" 2 "$folder"
  { dpkg-deb --field "$folder/$1_2.deb"
    echo "Filename: ./$1_2.deb"
    echo "Size: $(stat -c %s "$folder/$1_2.deb")"
    echo "SHA256: $(sha256sum "$folder/$1_2.deb" | cut -d' ' -f1)"; } >"$folder/Packages"
  printf 'Origin: Debian\\nLabel: %s\\nCodename: %s\\nSuite: %s\\nSHA256:\\n %s %s Packages\\n' "$2" "$3" "$3" \
    "$(sha256sum "$folder/Packages" | cut -d' ' -f1)" "$(stat -c %s "$folder/Packages")" >"$folder/Release"
  echo "deb [trusted=yes] file:$folder ./" >"/etc/apt/sources.list.d/$1.list"
}
archive probe-security Debian-Security "$codename-security"
archive probe-other Debian "$codename"
dpkg -i /var/tmp/first/*.deb >/dev/null
apt-get -q update >/dev/null
`;
