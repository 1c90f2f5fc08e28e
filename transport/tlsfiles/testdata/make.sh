#!/bin/sh
# Writes the keys of this folder, with OpenSSL 3.0.19. All are the same key; their password is "correct horse".
set -eu
cd "$(dirname "$0")"
pass='pass:correct horse'
openssl ecparam -name prime256v1 -genkey -noout -out sec1.pem
openssl pkcs8 -topk8 -nocrypt -in sec1.pem -out pkcs8.pem
openssl req -x509 -key pkcs8.pem -days 36500 -subj /CN=key -out cert.pem
for cipher in aes-128-cbc aes-192-cbc aes-256-cbc des3; do
	openssl pkcs8 -topk8 -in pkcs8.pem -v2 $cipher -passout "$pass" -out pbes2-$cipher.pem
done
for hash in SHA1 SHA224 SHA384 SHA512; do
	openssl pkcs8 -topk8 -in pkcs8.pem -v2 aes-256-cbc -v2prf hmacWith$hash -passout "$pass" -out pbes2-$hash.pem
done
openssl ec -in sec1.pem -aes256 -passout "$pass" -out legacy-aes-256.pem
openssl ec -in sec1.pem -des3 -passout "$pass" -out legacy-des3.pem
openssl pkcs8 -topk8 -in pkcs8.pem -scrypt -passout "$pass" -out unknown-scrypt.pem
openssl pkcs8 -topk8 -in pkcs8.pem -v1 PBE-SHA1-3DES -passout "$pass" -out unknown-pbes1.pem
