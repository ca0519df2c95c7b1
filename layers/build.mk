# How `sam build` builds a layer (Metadata: BuildMethod: makefile in template.yaml): with wheels for the runtime and the
# architecture that the stack is deployed with, on whatever machine and Python this is. The two are the defaults in
# template.yaml; where a deployment overrides them: MAKERTASKS_RUNTIME=python3.12 MAKERTASKS_ARCHITECTURE=x86_64 sam build
ROOT := $(realpath $(dir $(lastword $(MAKEFILE_LIST)))..)
LAYER := $(notdir $(patsubst %/,%,$(dir $(realpath $(firstword $(MAKEFILE_LIST))))))

build-%:
	@$(MAKE) --silent -C $(ROOT) .venv/.installed
	@cd $(ROOT) && .venv/bin/python -m infra.local.packages $(LAYER) $(ARTIFACTS_DIR)
